namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// The deadlines of all sockets on one timer. A socket stays queued at the earliest deadline it has announced; when that is due, it gives
/// its real deadline, so that the frequent case, a deadline that moves later, costs nothing. Thread-safe; no other lock is taken under its
/// lock.
/// </summary>
internal sealed class DeadlineQueue : IDisposable
{
    private readonly List<TcpSocket> _heap = [];
    private readonly List<TcpSocket> _due = [];
    private readonly Func<long> _now;
    private readonly Action<List<TcpSocket>, long> _onDue;
    private readonly ITimer _timer;
    private long _armedAt = TcpConnection.Never;
    private bool _running;
    private bool _disposed;

    public DeadlineQueue(TimeProvider time, Func<long> now, Action<List<TcpSocket>, long> onDue)
    {
        _now = now;
        _onDue = onDue;
        _timer = time.CreateTimer(
            static state => ((DeadlineQueue)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Sockets in the queue.</summary>
    public int Count
    {
        get
        {
            lock (_heap)
            {
                return _heap.Count;
            }
        }
    }

    /// <summary>Queues the socket for this time, unless it is queued for an earlier one.</summary>
    public void Schedule(TcpSocket socket, long deadline)
    {
        // A stale read costs at most an unnecessary lock; or it skips a deadline that the callback now due announces again.
        if (deadline >= Volatile.Read(ref socket.ScheduledAt))
        {
            return;
        }

        lock (_heap)
        {
            if (_disposed || deadline >= socket.ScheduledAt)
            {
                return;
            }

            socket.ScheduledAt = deadline;
            if (socket.HeapIndex < 0)
            {
                socket.HeapIndex = _heap.Count;
                _heap.Add(socket);
            }

            Rise(socket.HeapIndex);
            Arm();
        }
    }

    public void Remove(TcpSocket socket)
    {
        lock (_heap)
        {
            if (socket.HeapIndex >= 0)
            {
                RemoveAt(socket.HeapIndex);
            }
        }
    }

    public void Dispose()
    {
        lock (_heap)
        {
            _disposed = true;
            foreach (TcpSocket socket in _heap)
            {
                socket.HeapIndex = -1;
                socket.ScheduledAt = TcpConnection.Never;
            }

            _heap.Clear();
        }

        _timer.Dispose();
    }

    private void OnTimer()
    {
        long now = _now();
        lock (_heap)
        {
            // Timer callbacks may overlap; the one that is running arms the timer again.
            if (_running || _disposed)
            {
                return;
            }

            _running = true;
            while (_heap.Count > 0 && _heap[0].ScheduledAt <= now)
            {
                _due.Add(_heap[0]);
                RemoveAt(0);
            }
        }

        try
        {
            _onDue(_due, now);
        }
        finally
        {
            lock (_heap)
            {
                _due.Clear();
                _running = false;
                _armedAt = TcpConnection.Never;
                Arm();
            }
        }
    }

    private void Arm()
    {
        if (_running || _disposed || _heap.Count == 0 || _heap[0].ScheduledAt >= _armedAt)
        {
            return;
        }

        _armedAt = _heap[0].ScheduledAt;

        // Rounded up to the timer's resolution: a timer that fires early would fire twice.
        long delay = Math.Max(0, _armedAt - _now());
        _timer.Change(
            TimeSpan.FromMilliseconds((delay + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond), Timeout.InfiniteTimeSpan);
    }

    private void RemoveAt(int index)
    {
        TcpSocket removed = _heap[index];
        TcpSocket last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        removed.HeapIndex = -1;
        removed.ScheduledAt = TcpConnection.Never;
        if (last != removed)
        {
            _heap[index] = last;
            last.HeapIndex = index;
            Rise(index);
            Sink(last.HeapIndex);
        }
    }

    private void Rise(int index)
    {
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (_heap[parent].ScheduledAt <= _heap[index].ScheduledAt)
            {
                return;
            }

            Swap(parent, index);
            index = parent;
        }
    }

    private void Sink(int index)
    {
        while (true)
        {
            int child = 2 * index + 1;
            if (child >= _heap.Count)
            {
                return;
            }

            if (child + 1 < _heap.Count && _heap[child + 1].ScheduledAt < _heap[child].ScheduledAt)
            {
                child++;
            }

            if (_heap[index].ScheduledAt <= _heap[child].ScheduledAt)
            {
                return;
            }

            Swap(child, index);
            index = child;
        }
    }

    private void Swap(int a, int b)
    {
        (_heap[a], _heap[b]) = (_heap[b], _heap[a]);
        _heap[a].HeapIndex = a;
        _heap[b].HeapIndex = b;
    }
}
