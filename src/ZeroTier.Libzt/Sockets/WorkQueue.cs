using System.IO.Pipelines;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// A queue of work items for the loop's thread, in FIFO order. Any thread may add items; it is also the scheduler of the engine's ends of
/// pipes.
/// </summary>
/// <remarks>
/// The first thread that adds work while the loop sleeps wakes it. Work added after the loop's end runs on the caller's thread: all
/// descriptors are closed by then, so it only concerns pipes and waiting callers.
/// </remarks>
internal sealed class WorkQueue(Action wake) : PipeScheduler
{
    private readonly Lock _gate = new();
    private Item[] _incoming = new Item[64];
    private Item[] _running = new Item[64];
    private int _count;
    private bool _asleep;
    private bool _ended;

    /// <summary>Whether there is work. Read without a lock: an item that it misses is seen by <see cref="TrySleep"/>.</summary>
    internal bool HasWork => Volatile.Read(ref _count) != 0;

    public override void Schedule(Action<object?> action, object? state)
    {
        bool wakes;
        lock (_gate)
        {
            if (_ended)
            {
                goto Inline;
            }

            if (_count == _incoming.Length)
            {
                Array.Resize(ref _incoming, _count * 2);
            }

            _incoming[_count] = new Item(action, state);
            Volatile.Write(ref _count, _count + 1);
            wakes = _asleep;
            _asleep = false;
        }

        if (wakes)
        {
            wake();
        }

        return;

    Inline:
        action(state);
    }

    /// <summary>Runs the items queued so far; items that these add wait for the next call. Called on the loop's thread only.</summary>
    /// <param name="onError">Called with an item's state and the exception that it threw.</param>
    internal void Run(Action<object?, Exception> onError)
    {
        int count;
        lock (_gate)
        {
            count = _count;
            if (count == 0)
            {
                return;
            }

            (_incoming, _running) = (_running, _incoming);
            Volatile.Write(ref _count, 0);
        }

        for (int i = 0; i < count; i++)
        {
            Item item = _running[i];
            _running[i] = default;
            try
            {
                item.Action(item.State);
            }
            catch (Exception e)
            {
                onError(item.State, e);
            }
        }
    }

    /// <summary>Announces that the loop is about to sleep, so that new work wakes it. False when there is work.</summary>
    internal bool TrySleep()
    {
        lock (_gate)
        {
            _asleep = _count == 0;
            return _asleep;
        }
    }

    /// <summary>Announces that the loop is awake, whatever woke it.</summary>
    internal void Awake()
    {
        lock (_gate)
        {
            _asleep = false;
        }
    }

    /// <summary>Ends the queue. False when there is work.</summary>
    internal bool TryEnd()
    {
        lock (_gate)
        {
            _ended = _count == 0;
            return _ended;
        }
    }

    private readonly record struct Item(Action<object?> Action, object? State);
}
