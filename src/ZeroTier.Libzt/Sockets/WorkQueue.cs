using System.IO.Pipelines;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// Work for the loop's thread, in the order of its arrival. Any thread may add; the pipes of connections do so as their scheduler.
/// </summary>
/// <remarks>
/// The first thread that adds work while the loop sleeps wakes it. Work added after the end runs on the caller's thread: by then everything
/// that the loop owned is closed, and what is left to do concerns pipes and waiting callers only.
/// </remarks>
internal sealed class WorkQueue(Action wake) : PipeScheduler
{
    private readonly Lock _gate = new();
    private Item[] _incoming = new Item[64];
    private Item[] _running = new Item[64];
    private int _count;
    private bool _asleep;
    private bool _ended;

    /// <summary>Something waits. A look without a lock: what it misses, <see cref="TrySleep"/> sees.</summary>
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

    /// <summary>Runs what has come so far; what that adds waits for the next call. Only the loop's thread.</summary>
    /// <param name="onError">Takes what an item throws, and the item's state.</param>
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

    /// <summary>The loop is about to sleep: from now on work wakes it. False when there is work.</summary>
    internal bool TrySleep()
    {
        lock (_gate)
        {
            _asleep = _count == 0;
            return _asleep;
        }
    }

    /// <summary>The loop is awake, whatever woke it.</summary>
    internal void Awake()
    {
        lock (_gate)
        {
            _asleep = false;
        }
    }

    /// <summary>The loop ends. False when there is work.</summary>
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
