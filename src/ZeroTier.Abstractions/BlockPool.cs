using System.Buffers;

namespace ZeroTier;

/// <summary>
/// Blocks of 4096 bytes for pipes. Unlike <see cref="MemoryPool{T}.Shared"/> it allocates nothing per rental, and blocks rented on one
/// thread and returned on another are reused. The number of idle blocks is bounded. Thread-safe.
/// </summary>
internal sealed class BlockPool : MemoryPool<byte>
{
    /// <summary>Bytes in a block.</summary>
    public const int BlockSize = 4096;

    // Idle blocks kept: 8 MiB, as much as the unread input of eight connections at its default limit.
    internal const int MaxIdle = 2048;

    // Last in, first out: the most recently used block is probably still in the CPU cache. A leaf lock: nothing else is locked under it.
    private readonly Lock _gate = new();
    private Block? _idle;
    private int _idleCount;

    /// <inheritdoc />
    public override int MaxBufferSize => BlockSize;

    /// <summary>Idle blocks in the pool.</summary>
    internal int IdleCount
    {
        get
        {
            lock (_gate)
            {
                return _idleCount;
            }
        }
    }

    /// <inheritdoc />
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
        Block? block;
        lock (_gate)
        {
            block = _idle;
            if (block is not null)
            {
                _idle = block.Next;
                _idleCount--;
            }
        }

        block ??= new Block(this);
        block.Begin();
        return block;
    }

    /// <summary>Does nothing: the pool is shared by the whole process.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private void Return(Block block)
    {
        lock (_gate)
        {
            if (_idleCount < MaxIdle)
            {
                block.Next = _idle;
                _idle = block;
                _idleCount++;
            }
        }
    }

    private sealed class Block(BlockPool pool) : IMemoryOwner<byte>
    {
        private readonly byte[] _array = GC.AllocateUninitializedArray<byte>(BlockSize);
        private int _rented;

        /// <summary>The next idle block. Guarded by the pool's lock.</summary>
        public Block? Next { get; set; }

        public Memory<byte> Memory
        {
            get
            {
                ObjectDisposedException.ThrowIf(Volatile.Read(ref _rented) == 0, this);
                return _array;
            }
        }

        public void Begin()
        {
            Next = null;
            Volatile.Write(ref _rented, 1);
        }

        // Only the first Dispose returns the block; returning it twice would give two owners the same memory.
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _rented, 0) == 1)
            {
                pool.Return(this);
            }
        }
    }
}
