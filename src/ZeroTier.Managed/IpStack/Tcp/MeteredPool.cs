using System.Buffers;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Memory pool of one pipe: wraps the application's pool and counts the rented bytes. Thread-safe.</summary>
internal sealed class MeteredPool(MemoryPool<byte> inner, BufferBudget budget) : MemoryPool<byte>
{
    // Lease objects are pooled, because a block is rented for every few packets.
    private const int MaxIdle = 4096;

    private static readonly Lock _gate = new();
    private static Lease? _idle;
    private static int _idleCount;

    private long _held;

    /// <summary>Bytes of the blocks that are rented now.</summary>
    public long Held => Volatile.Read(ref _held);

    /// <inheritdoc />
    public override int MaxBufferSize => inner.MaxBufferSize;

    /// <inheritdoc />
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        IMemoryOwner<byte> owner = inner.Rent(minBufferSize);
        Lease? lease;
        lock (_gate)
        {
            lease = _idle;
            if (lease is not null)
            {
                _idle = lease.Next;
                _idleCount--;
            }
        }

        lease ??= new Lease();
        int bytes = lease.Begin(this, owner);
        Count(bytes);
        return lease;
    }

    /// <summary>Does nothing: the wrapped pool belongs to the application.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private void Count(int bytes)
    {
        Interlocked.Add(ref _held, bytes);
        budget.Add(bytes);
    }

    private sealed class Lease : IMemoryOwner<byte>
    {
        private MeteredPool? _pool;
        private IMemoryOwner<byte>? _owner;
        private int _bytes;

        /// <summary>The next idle lease. Guarded by the pools' lock.</summary>
        public Lease? Next { get; set; }

        public Memory<byte> Memory => (_owner ?? throw new ObjectDisposedException(nameof(Lease))).Memory;

        public int Begin(MeteredPool pool, IMemoryOwner<byte> owner)
        {
            Next = null;
            _bytes = owner.Memory.Length;
            _pool = pool;
            Volatile.Write(ref _owner, owner);
            return _bytes;
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _owner, null) is not { } owner)
            {
                return;
            }

            _pool!.Count(-_bytes);
            _pool = null;
            owner.Dispose();
            lock (_gate)
            {
                if (_idleCount < MaxIdle)
                {
                    Next = _idle;
                    _idle = this;
                    _idleCount++;
                }
            }
        }
    }
}
