using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// What the TCP layers of a node have received since the end of the last batch, so that the end of a batch costs nothing for the other
/// layers. Each receive thread has a queue of its own. Thread-safe; no other lock is taken under its locks.
/// </summary>
internal sealed class BatchQueue
{
    /// <summary>Queues and batches by the number of the thread; beyond that, threads share them.</summary>
    public const int MaxThreads = 32;

    private readonly Slot?[] _slots = new Slot?[MaxThreads];

    /// <summary>The index of the present thread.</summary>
    public static int ThreadIndex => Environment.CurrentManagedThreadId % MaxThreads;

    private Slot Own
    {
        get
        {
            ref Slot? slot = ref _slots[ThreadIndex];
            return slot ?? Interlocked.CompareExchange(ref slot, new Slot(), null) ?? slot;
        }
    }

    /// <summary>Adds a batch of the present thread, which has received its first segment.</summary>
    public void Add(ReceivedBatch batch) => Own.Add(batch);

    /// <summary>Ends the batches of the present thread.</summary>
    /// <returns>How many these were.</returns>
    public int EndOfBatch()
    {
        Slot slot = Own;
        int count = slot.Count;
        int done = 0;
        for (; done < count && slot.TryTake(out ReceivedBatch? batch); done++)
        {
            batch.End();
        }

        return done;
    }

    private sealed class Slot
    {
        private readonly Lock _gate = new();
        private readonly Queue<ReceivedBatch> _batches = new();
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Add(ReceivedBatch batch)
        {
            lock (_gate)
            {
                if (!batch.IsQueued)
                {
                    batch.IsQueued = true;
                    _batches.Enqueue(batch);
                    Volatile.Write(ref _count, _batches.Count);
                }
            }
        }

        public bool TryTake([NotNullWhen(true)] out ReceivedBatch? batch)
        {
            lock (_gate)
            {
                if (!_batches.TryDequeue(out batch))
                {
                    return false;
                }

                batch.IsQueued = false;
                Volatile.Write(ref _count, _batches.Count);
                return true;
            }
        }
    }
}
