namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Pool of memory chunks of one size for send and reassembly buffers. Thread-safe.</summary>
internal sealed class ChunkPool(long maxOutOfOrderBytes, BufferBudget budget)
{
    /// <summary>Bytes in a chunk. At least the largest segment's payload, so that two chunks always hold one.</summary>
    public const int ChunkSize = 4096;

    // Idle chunks that are kept for reuse: 8 MiB.
    private const int MaxIdle = 2048;

    private readonly Stack<byte[]> _idle = new();
    private long _outstanding;
    private long _outOfOrder;

    /// <summary>Chunks that are rented now.</summary>
    public long Outstanding => Interlocked.Read(ref _outstanding);

    public byte[] Rent()
    {
        Interlocked.Increment(ref _outstanding);
        budget.Add(ChunkSize);
        lock (_idle)
        {
            if (_idle.TryPop(out byte[]? chunk))
            {
                return chunk;
            }
        }

        return GC.AllocateUninitializedArray<byte>(ChunkSize);
    }

    public void Return(byte[] chunk)
    {
        Interlocked.Decrement(ref _outstanding);
        budget.Add(-ChunkSize);
        lock (_idle)
        {
            if (_idle.Count < MaxIdle)
            {
                _idle.Push(chunk);
            }
        }
    }

    /// <summary>
    /// Rents a chunk for out-of-order data, whose total over all connections is bounded; null at the bound. A connection may hold at most
    /// as much as is still free, so that there is always space for others, however many peers fill their windows and never send the missing
    /// segment.
    /// </summary>
    /// <param name="held">Bytes that the connection has rented so far.</param>
    public byte[]? TryRentOutOfOrder(int held)
    {
        if (held >= BufferBudget.Minimum && budget.IsExhausted)
        {
            return null;
        }

        long free = maxOutOfOrderBytes - Interlocked.Add(ref _outOfOrder, ChunkSize);
        if (free < 0 || held >= BufferBudget.Minimum && held > free)
        {
            Interlocked.Add(ref _outOfOrder, -ChunkSize);
            return null;
        }

        return Rent();
    }

    public void ReturnOutOfOrder(byte[] chunk)
    {
        Interlocked.Add(ref _outOfOrder, -ChunkSize);
        Return(chunk);
    }
}
