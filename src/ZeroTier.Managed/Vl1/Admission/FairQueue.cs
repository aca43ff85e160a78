using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>
/// A bounded queue for unauthenticated requests. When it is full, a new entry replaces a random one, so that every request has the same
/// probability of being served; if always the newest or the oldest were dropped, the fastest sender would fill the queue.
/// </summary>
/// <param name="capacity">Most entries.</param>
/// <param name="random">Chooses what is replaced.</param>
internal sealed class FairQueue<T>(int capacity, RandomSource random)
{
    // Allocated at the first use: most nodes that are not roots never receive a HELLO of an unknown node.
    private T[]? _ring;
    private int _head;

    public int Count { get; private set; }

    /// <summary>Adds an entry. True when it took the place of another one, which the caller disposes of.</summary>
    public bool Add(T entry, [MaybeNullWhen(false)] out T replaced)
    {
        _ring ??= new T[capacity];
        bool full = Count == capacity;
        ref var place = ref _ring[full ? random.Next(capacity) : (_head + Count++) % capacity];
        replaced = place;
        place = entry;
        return full;
    }

    /// <summary>Takes the entry at the head of the queue.</summary>
    public bool TryTake([MaybeNullWhen(false)] out T entry)
    {
        entry = default;
        if (Count == 0)
        {
            return false;
        }

        ref var place = ref _ring![_head];
        entry = place!;
        place = default!;
        _head = (_head + 1) % capacity;
        Count--;
        return true;
    }
}
