using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// The sockets of the loop in a dense array, in the format of libzt's poll. Entry 0 is the wake socket. Used on the loop's thread only.
/// </summary>
internal sealed unsafe class PollSet
{
    // Pinned once, so that each poll needs no pinning.
    private readonly PollDescriptor[] _descriptors = GC.AllocateArray<PollDescriptor>(Zts.MaxDescriptors + 1, pinned: true);
    private readonly PolledSocket?[] _sockets = new PolledSocket?[Zts.MaxDescriptors + 1];
    private int _count = 1;
    private long _nextDeadline = PolledSocket.Never;

    /// <summary>The number of sockets, without the wake socket.</summary>
    internal int Count => _count - 1;

    internal bool IsFull => _count == _descriptors.Length;

    /// <summary>A lower bound of all deadlines.</summary>
    internal long NextDeadline => _nextDeadline;

    /// <summary>All sockets. The set must not change during enumeration: copy it first.</summary>
    internal IEnumerable<PolledSocket> All => _sockets.Take(_count).OfType<PolledSocket>();

    /// <summary>The number of sockets that may be closed early when descriptors are scarce.</summary>
    internal int CountExpendable()
    {
        int count = 0;
        for (int i = 1; i < _count; i++)
        {
            count += _sockets[i]!.Expendable.Rank != 0 ? 1 : 0;
        }

        return count;
    }

    /// <summary>The one of them to close first: lowest rank, then oldest.</summary>
    internal PolledSocket? MostExpendable()
    {
        PolledSocket? first = null;
        for (int i = 1; i < _count; i++)
        {
            var (rank, since) = _sockets[i]!.Expendable;
            if (rank != 0 && (first is null || (rank, since).CompareTo(first.Expendable) < 0))
            {
                first = _sockets[i];
            }
        }

        return first;
    }

    internal void Add(PolledSocket socket)
    {
        int index = _count++;
        socket.Index = index;
        _sockets[index] = socket;
        _descriptors[index] = default;
        socket.Update();
    }

    internal void Remove(PolledSocket socket)
    {
        int index = socket.Index;
        int last = --_count;
        socket.Index = -1;
        if (index != last)
        {
            // Moved together with its events: a dispatch in progress either finds the moved socket again, or has handled it and cleared its
            // events.
            _sockets[index] = _sockets[last];
            _sockets[index]!.Index = index;
            _descriptors[index] = _descriptors[last];
        }

        _sockets[last] = null;
    }

    /// <summary>
    /// Sets the events to poll for. Null excludes the socket from polling, since errors would be reported even without any event.
    /// </summary>
    internal void Update(PolledSocket socket, PollEvents? interest, long deadline)
    {
        ref PollDescriptor entry = ref _descriptors[socket.Index];
        entry.Descriptor = interest is null ? -1 : socket.Descriptor?.Number ?? -1;
        entry.Events = interest ?? PollEvents.None;
        socket.Deadline = deadline;
        _nextDeadline = Math.Min(_nextDeadline, deadline);
    }

    /// <summary>Polls. Returns the number of entries with events, including the wake socket, or libzt's negative result.</summary>
    internal int Poll(int wakeDescriptor, int timeoutMilliseconds)
    {
        _descriptors[0] = new PollDescriptor { Descriptor = wakeDescriptor, Events = PollEvents.In };
        fixed (PollDescriptor* descriptors = _descriptors)
        {
            return Zts.Poll(descriptors, (uint)_count, timeoutMilliseconds);
        }
    }

    /// <summary>Dispatches the events of the last poll. Sockets may be added and removed during it.</summary>
    internal void Dispatch(Action<PolledSocket, PollEvents> dispatch)
    {
        // From the end, because a removal moves the last socket to a lower index: that one has been handled already and its events are
        // cleared.
        for (int i = _count - 1; i > 0; i--)
        {
            if (i < _count && _descriptors[i].Returned is var events and not PollEvents.None && _sockets[i] is { } socket)
            {
                _descriptors[i].Returned = PollEvents.None;
                dispatch(socket, events);
            }
        }
    }

    /// <summary>Calls every socket whose deadline has passed.</summary>
    internal void Expire(long now, Action<PolledSocket> expire)
    {
        if (now < _nextDeadline)
        {
            return;
        }

        _nextDeadline = PolledSocket.Never;
        try
        {
            for (int i = _count - 1; i > 0; i--)
            {
                if (i < _count && _sockets[i] is { } socket && socket.Deadline <= now)
                {
                    expire(socket);
                }
            }
        }
        finally
        {
            // Includes sockets not reached because of an exception.
            for (int i = 1; i < _count; i++)
            {
                _nextDeadline = Math.Min(_nextDeadline, _sockets[i]!.Deadline);
            }
        }
    }
}
