using System.Buffers;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Knows how much of it is out.</summary>
internal sealed class CountingPool : MemoryPool<byte>
{
    public int Rented { get; private set; }

    public override int MaxBufferSize => 4096;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        Rented++;
        return new Block(this);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block(CountingPool pool) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = new byte[4096];

        public void Dispose() => pool.Rented--;
    }
}
