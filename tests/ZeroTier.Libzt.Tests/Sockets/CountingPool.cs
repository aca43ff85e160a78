using System.Buffers;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>Blocks that must all come back.</summary>
internal sealed class CountingPool : MemoryPool<byte>
{
    private int _rented;
    private long _rentals;

    public override int MaxBufferSize => 4096;

    /// <summary>Blocks out now.</summary>
    public int Rented => Volatile.Read(ref _rented);

    /// <summary>Rentals so far.</summary>
    public long Rentals => Interlocked.Read(ref _rentals);

    /// <summary>Refuses from now on.</summary>
    public bool IsEmpty { get; set; }

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        if (IsEmpty)
        {
            throw new InvalidOperationException("The pool is empty.");
        }

        Interlocked.Increment(ref _rented);
        Interlocked.Increment(ref _rentals);
        return new Block(this);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block(CountingPool pool) : IMemoryOwner<byte>
    {
        private int _isReturned;

        public Memory<byte> Memory { get; } = new byte[4096];

        public void Dispose()
        {
            Assert.Equal(0, Interlocked.Exchange(ref _isReturned, 1));
            Interlocked.Decrement(ref pool._rented);
        }
    }
}
