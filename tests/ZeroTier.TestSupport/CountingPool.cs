using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace ZeroTier.TestSupport;

/// <summary>
/// A pool like Kestrel's, with blocks of 4096 bytes, that counts. Each block is new, and is gone when it is returned, so that a late use
/// fails.
/// </summary>
public sealed class CountingPool : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int BlockSize = 4096;

    private int _rented;
    private int _rentals;
    private int _peak;

    /// <summary>Blocks that are rented now.</summary>
    public int Rented => Volatile.Read(ref _rented);

    /// <summary>Blocks rented so far.</summary>
    public int Rentals => Volatile.Read(ref _rentals);

    /// <summary>The most blocks that were rented at one time.</summary>
    public int Peak => Volatile.Read(ref _peak);

    /// <summary>
    /// As a factory: the owner that gets this pool, others get the shared one. Null: every owner gets this pool, and its disposal does
    /// nothing.
    /// </summary>
    public string? OnlyOwner { get; init; }

    /// <summary><see cref="OnlyOwner"/> has asked for the pool.</summary>
    public bool IsOwned { get; private set; }

    /// <summary>Its only owner has disposed of it. Renting throws.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Renting throws.</summary>
    public bool IsEmpty { get; set; }

    public override int MaxBufferSize => BlockSize;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null)
    {
        if (OnlyOwner is not null && options?.Owner != OnlyOwner)
        {
            return Shared;
        }

        IsOwned = true;
        return this;
    }

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, MaxBufferSize);
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        if (IsEmpty)
        {
            throw new InvalidOperationException("The pool is empty.");
        }

        Interlocked.Increment(ref _rentals);
        int rented = Interlocked.Increment(ref _rented);
        for (int peak = Peak; rented > peak; peak = Peak)
        {
            Interlocked.CompareExchange(ref _peak, rented, peak);
        }

        return new Block(this);
    }

    protected override void Dispose(bool disposing) => IsDisposed = OnlyOwner is not null;

    private sealed class Block(CountingPool pool) : IMemoryOwner<byte>
    {
        private byte[]? _array = new byte[BlockSize];

        public Memory<byte> Memory => _array;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is null)
            {
                throw new InvalidOperationException("The block is returned for the second time.");
            }

            Interlocked.Decrement(ref pool._rented);
        }
    }
}
