using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>A pool as Kestrel's: blocks of 4096 bytes, more throws. Counts what is out, and tells when it is disposed.</summary>
internal sealed class CountingPool : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private int _rented;
    private int _everRented;

    public int Rented => Volatile.Read(ref _rented);

    public int EverRented => Volatile.Read(ref _everRented);

    public string? Owner { get; private set; }

    public bool Disposed { get; private set; }

    public override int MaxBufferSize => 4096;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null)
    {
        // Kestrel makes one for itself, too.
        if (options?.Owner != "zerotier")
        {
            return Shared;
        }

        Owner = options.Owner;
        return this;
    }

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, MaxBufferSize);
        ObjectDisposedException.ThrowIf(Disposed, this);
        Interlocked.Increment(ref _rented);
        Interlocked.Increment(ref _everRented);
        return new Block(this);
    }

    protected override void Dispose(bool disposing) => Disposed = true;

    private sealed class Block(CountingPool pool) : IMemoryOwner<byte>
    {
        private byte[]? _array = new byte[4096];

        public Memory<byte> Memory => _array;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is not null)
            {
                Interlocked.Decrement(ref pool._rented);
            }
        }
    }
}
