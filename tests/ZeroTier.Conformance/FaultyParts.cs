using System.Buffers;
using System.IO.Pipelines;

namespace ZeroTier.Conformance;

/// <summary>A memory pool that fails when told to.</summary>
public sealed class FaultyPool : MemoryPool<byte>
{
    private int _rentals;
    private volatile bool _failsToRent;
    private volatile bool _failsToReturn;

    public bool FailsToRent
    {
        get => _failsToRent;
        set => _failsToRent = value;
    }

    public bool FailsToReturn
    {
        get => _failsToReturn;
        set => _failsToReturn = value;
    }

    /// <summary>Blocks that are out.</summary>
    public int Rentals => Volatile.Read(ref _rentals);

    public override int MaxBufferSize => 4096;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        if (_failsToRent)
        {
            throw new InvalidDataException("The memory pool has nothing to rent.");
        }

        Interlocked.Increment(ref _rentals);
        return new Block(this);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block(FaultyPool pool) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = new byte[4096];

        public void Dispose()
        {
            Interlocked.Decrement(ref pool._rentals);
            if (pool._failsToReturn)
            {
                throw new InvalidDataException("The memory pool takes nothing back.");
            }
        }
    }
}

/// <summary>A scheduler that always throws: after it has run what it was given, or without.</summary>
public sealed class FaultyScheduler(bool runs) : PipeScheduler
{
    public override void Schedule(Action<object?> action, object? state)
    {
        if (runs)
        {
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(_ => action(state), null);
        }

        throw new InvalidDataException("The scheduler failed.");
    }
}

/// <summary>An observer that always throws.</summary>
public sealed class FaultyObserver : IZeroTierConnectionObserver
{
    public void OnPaused(ZeroTierConnection connection) => Fail();

    public void OnResumed(ZeroTierConnection connection) => Fail();

    public void OnFinReceived(ZeroTierConnection connection) => Fail();

    public void OnResetReceived(ZeroTierConnection connection) => Fail();

    public void OnFinSent(ZeroTierConnection connection) => Fail();

    public void OnResetSent(ZeroTierConnection connection, ZeroTierException reason) => Fail();

    private static void Fail() => throw new InvalidDataException("The observer failed.");
}
