using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace EndToEnd.Tests;

/// <summary>Counts the blocks that are out.</summary>
internal sealed class CountingPool : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private int _rented;

    public int Rented => Volatile.Read(ref _rented);

    public override int MaxBufferSize => 4096;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, MaxBufferSize);
        Interlocked.Increment(ref _rented);
        return new Block(this);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block(CountingPool pool) : IMemoryOwner<byte>
    {
        private byte[]? _array = ArrayPool<byte>.Shared.Rent(4096);

        public Memory<byte> Memory => _array.AsMemory(0, 4096);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is { } array)
            {
                ArrayPool<byte>.Shared.Return(array);
                Interlocked.Decrement(ref pool._rented);
            }
        }
    }
}
