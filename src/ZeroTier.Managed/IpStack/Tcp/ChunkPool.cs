namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Equal chunks of memory for send and reassembly buffers. Thread-safe.</summary>
internal sealed class ChunkPool(long maxOutOfOrderBytes, BufferBudget budget)
{
    /// <summary>Bytes in a chunk. At least the largest segment's payload, so that two chunks always hold one.</summary>
    public const int ChunkSize = 4096;

    // What idle memory may stay for the next burst: 8 MiB.
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
    /// Rents within the bounds of all connections' out-of-order data; null when one is used up. A connection may hold as much as is free,
    /// which leaves something for others however many fill their windows and never send what is missing.
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
