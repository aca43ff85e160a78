namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Equal chunks of memory for send and reassembly buffers. Thread-safe.</summary>
internal sealed class ChunkPool(long maxOutOfOrderBytes)
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
        lock (_idle)
        {
            if (_idle.Count < MaxIdle)
            {
                _idle.Push(chunk);
            }
        }
    }

    /// <summary>Rents within the bound of all connections' out-of-order data; null when that is used up.</summary>
    public byte[]? TryRentOutOfOrder()
    {
        if (Interlocked.Add(ref _outOfOrder, ChunkSize) > maxOutOfOrderBytes)
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
