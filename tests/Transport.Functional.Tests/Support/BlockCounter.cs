using System.Buffers;

namespace Transport.Functional.Tests.Support;

/// <summary>A pool as Kestrel's, which counts the blocks that are out.</summary>
internal sealed class BlockCounter : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private int _rented;
    private int _peak;

    public int Rented => Volatile.Read(ref _rented);

    public int Peak => Volatile.Read(ref _peak);

    public override int MaxBufferSize => 4096;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, MaxBufferSize);
        int rented = Interlocked.Increment(ref _rented);
        for (int peak = Peak; rented > peak; peak = Peak)
        {
            Interlocked.CompareExchange(ref _peak, rented, peak);
        }

        return new Block(this);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block(BlockCounter counter) : IMemoryOwner<byte>
    {
        private byte[]? _array = ArrayPool<byte>.Shared.Rent(4096);

        public Memory<byte> Memory => _array.AsMemory(0, 4096);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is { } array)
            {
                ArrayPool<byte>.Shared.Return(array);
                Interlocked.Decrement(ref counter._rented);
            }
        }
    }
}
