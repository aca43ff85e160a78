using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// The sockets of the loop, dense, in the form that libzt's poll takes. The first place is the wake socket's. Only the loop's thread.
/// </summary>
internal sealed unsafe class PollSet
{
    // Pinned once: the poll itself is a plain call with two numbers and a pointer.
    private readonly PollDescriptor[] _descriptors = GC.AllocateArray<PollDescriptor>(Zts.MaxDescriptors + 1, pinned: true);
    private readonly PolledSocket?[] _sockets = new PolledSocket?[Zts.MaxDescriptors + 1];
    private int _count = 1;
    private long _nextDeadline = PolledSocket.Never;

    /// <summary>Sockets in the set.</summary>
    internal int Count => _count - 1;

    internal bool IsFull => _count == _descriptors.Length;

    /// <summary>No deadline is earlier; there may be none at that very time.</summary>
    internal long NextDeadline => _nextDeadline;

    /// <summary>The sockets, for the rare tasks that concern many. None may be added or removed meanwhile: take a copy for that.</summary>
    internal IEnumerable<PolledSocket> All => _sockets.Take(_count).OfType<PolledSocket>();

    /// <summary>Sockets that may be closed early when they are scarce.</summary>
    internal int CountExpendable()
    {
        int count = 0;
        for (int i = 1; i < _count; i++)
        {
            count += _sockets[i]!.Expendable.Rank != 0 ? 1 : 0;
        }

        return count;
    }

    /// <summary>Of those, the one to be closed first: of the lowest rank the oldest.</summary>
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
            // With its events: a round that is under way finds the moved one again, or has seen it and cleared them.
            _sockets[index] = _sockets[last];
            _sockets[index]!.Index = index;
            _descriptors[index] = _descriptors[last];
        }

        _sockets[last] = null;
    }

    /// <summary>What to poll the socket for; null: not at all, since errors are reported unasked.</summary>
    internal void Update(PolledSocket socket, PollEvents? interest, long deadline)
    {
        ref PollDescriptor entry = ref _descriptors[socket.Index];
        entry.Descriptor = interest is null ? -1 : socket.Descriptor?.Number ?? -1;
        entry.Events = interest ?? PollEvents.None;
        socket.Deadline = deadline;
        _nextDeadline = Math.Min(_nextDeadline, deadline);
    }

    /// <summary>Waits. The number of entries with events, the wake socket included, or libzt's negative result.</summary>
    internal int Poll(int wakeDescriptor, int timeoutMilliseconds)
    {
        _descriptors[0] = new PollDescriptor { Descriptor = wakeDescriptor, Events = PollEvents.In };
        fixed (PollDescriptor* descriptors = _descriptors)
        {
            return Zts.Poll(descriptors, (uint)_count, timeoutMilliseconds);
        }
    }

    /// <summary>Hands out the events of the last poll. Sockets may come and go while it runs.</summary>
    internal void Dispatch(Action<PolledSocket, PollEvents> dispatch)
    {
        // From the end: what a removal moves into a place further down has been seen already, and has its events cleared.
        for (int i = _count - 1; i > 0; i--)
        {
            if (i < _count && _descriptors[i].Returned is var events and not PollEvents.None && _sockets[i] is { } socket)
            {
                _descriptors[i].Returned = PollEvents.None;
                dispatch(socket, events);
            }
        }
    }

    /// <summary>Calls every socket whose time has come.</summary>
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
            // Also of those that it did not come to.
            for (int i = 1; i < _count; i++)
            {
                _nextDeadline = Math.Min(_nextDeadline, _sockets[i]!.Deadline);
            }
        }
    }
}
