namespace ZeroTier.Managed.Net;

/// <summary>
/// Idle objects that are used again, at most sixteen. A thread gets back what it has returned, as long as nobody else had to take it: the
/// memory of an object that goes from one processor to the other costs more than a packet. Thread-safe, lock-free.
/// </summary>
/// <remarks>
/// By thread, not by processor: what one thread gets then depends on nothing but what it did, so that a simulation can be repeated.
/// </remarks>
internal sealed class IdlePool<T>
    where T : class
{
    private const int Capacity = 16;

    // 64 bytes, so that each place has a cache line of its own; one line of distance to the array's header.
    private const int Distance = 8;
    private readonly T?[] _idle = new T?[(Capacity + 1) * Distance];

    /// <summary>Takes one; null when there is none.</summary>
    public T? TryTake()
    {
        int first = Environment.CurrentManagedThreadId;
        for (int i = 0; i < Capacity; i++)
        {
            ref T? place = ref PlaceOf(first + i);
            if (place is not null && Interlocked.Exchange(ref place, null) is { } idle)
            {
                return idle;
            }
        }

        return null;
    }

    /// <summary>Returns one, which is left to the garbage collector when the pool is full.</summary>
    public void Return(T idle)
    {
        int first = Environment.CurrentManagedThreadId;
        for (int i = 0; i < Capacity; i++)
        {
            ref T? place = ref PlaceOf(first + i);
            if (place is null && Interlocked.CompareExchange(ref place, idle, null) is null)
            {
                return;
            }
        }
    }

    private ref T? PlaceOf(int number) => ref _idle[((number & (Capacity - 1)) + 1) * Distance];
}
