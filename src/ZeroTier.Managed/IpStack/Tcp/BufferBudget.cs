namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Counts the memory that all connections of a node hold (unsent, unacknowledged, out-of-order and unread bytes, and a fixed cost per
/// connection) against a limit. Thread-safe.
/// </summary>
/// <remarks>
/// When it is exhausted, listeners refuse connections, every connection is limited to <see cref="Minimum"/> bytes in each direction, and
/// every few seconds the largest of those that hold more and make no progress are reset. No other lock is taken under the locks of this
/// class; connections are reset and reports are made without holding them.
/// </remarks>
internal sealed class BufferBudget : IDisposable
{
    /// <summary>Estimated cost of a connection besides its buffers, in bytes, including its objects in the server above.</summary>
    public const int ConnectionCost = 16 * 1024;

    /// <summary>Bytes that each connection may hold in each direction while the budget is exhausted: a window of some segments.</summary>
    public const int Minimum = 32 * 1024;

    /// <summary>A connection that moves less than <see cref="Minimum"/> bytes in this time counts as stalled.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // Least time between reports of an exhausted budget when no connection was reset.
    private static readonly TimeSpan _reportInterval = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly List<TcpLayer> _layers = [];
    private readonly TimeProvider _time;
    private readonly Action<BudgetReport>? _report;
    private ITimer? _timer;
    private long _used;
    private bool _watching;
    private bool _disposed;

    // When connections were last examined, and when exhaustion was last reported. Written by the timer's callback; the first one under the
    // lock, since other threads read it.
    private long? _lookedAt;
    private long? _reportedAt;

    /// <param name="time">Clock and timer.</param>
    /// <param name="limit">In bytes.</param>
    /// <param name="report">Called when the budget is exhausted, with what was done about it; on a timer's thread.</param>
    public BufferBudget(TimeProvider time, long limit, Action<BudgetReport>? report = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        _time = time;
        _report = report;
        Limit = limit;
    }

    public long Limit { get; }

    public long Used => Interlocked.Read(ref _used);

    public bool IsExhausted => Volatile.Read(ref _used) >= Limit;

    /// <summary>
    /// Adds bytes, or releases them when negative. Never refuses; callers that may grow check <see cref="IsExhausted"/> first.
    /// </summary>
    public void Add(long bytes)
    {
        long used = Interlocked.Add(ref _used, bytes);
        if (bytes > 0 && used >= Limit && !Volatile.Read(ref _watching))
        {
            Watch();
        }
    }

    public void Join(TcpLayer layer)
    {
        lock (_gate)
        {
            _layers.Add(layer);
        }
    }

    public void Leave(TcpLayer layer)
    {
        lock (_gate)
        {
            _layers.Remove(layer);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _timer?.Dispose();
        }
    }

    // May run under a connection's lock, so the timer examines the connections.
    private void Watch()
    {
        lock (_gate)
        {
            if (_watching || _disposed)
            {
                return;
            }

            // Connections are examined at most once per interval, however often the limit is crossed; those that have hardly moved since
            // the last time count as stalled.
            _watching = true;
            _timer ??= _time.CreateTimer(
                static budget => ((BufferBudget)budget!).OnTick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            TimeSpan due = _lookedAt is { } at ? Interval - _time.GetElapsedTime(at) : TimeSpan.Zero;
            _timer.Change(due > TimeSpan.Zero ? due : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnTick()
    {
        try
        {
            Shed();
        }
        finally
        {
            WatchOn();
        }
    }

    private void Shed()
    {
        List<(TcpSocket Socket, long Bytes)> idle = CollectIdle();
        long used = Used;
        int reset = 0;
        long freed = 0;
        if (used >= Limit)
        {
            // Frees down to 7/8 of the limit, so that the next byte does not trigger it again.
            long excess = used - Limit + Limit / 8;
            foreach ((TcpSocket socket, long bytes) in idle.OrderByDescending(entry => entry.Bytes).TakeWhile(_ => freed < excess))
            {
                socket.Abort(new TcpException(
                    TcpError.ConnectionAborted,
                    "The memory for the buffers of all connections was used up, and this one held much of it without moving."));
                reset++;
                freed += bytes;
            }
        }

        if (reset > 0 || used >= Limit && (_reportedAt is not { } last || _time.GetElapsedTime(last) >= _reportInterval))
        {
            _reportedAt = _time.GetTimestamp();
            _report?.Invoke(new BudgetReport(used, Limit, reset, freed));
        }
    }

    private void WatchOn()
    {
        lock (_gate)
        {
            // Set the flag first, then read the sum; threads that add bytes do it in the opposite order, so at least one side sees the
            // other.
            _lookedAt = _time.GetTimestamp();
            Volatile.Write(ref _watching, false);
            Interlocked.MemoryBarrier();
            if (IsExhausted && !_disposed)
            {
                Volatile.Write(ref _watching, true);
                _timer!.Change(Interval, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private List<(TcpSocket Socket, long Bytes)> CollectIdle()
    {
        TcpLayer[] layers;
        lock (_gate)
        {
            layers = [.. _layers];
        }

        var idle = new List<(TcpSocket Socket, long Bytes)>();
        foreach (TcpLayer layer in layers)
        {
            layer.CollectIdle(idle);
        }

        return idle;
    }
}

/// <summary>Report of an exhausted budget.</summary>
/// <param name="Used">Bytes that all connections held.</param>
/// <param name="Limit">Bytes that they may hold.</param>
/// <param name="Reset">Connections that were reset because of it.</param>
/// <param name="Freed">Bytes that those held.</param>
internal readonly record struct BudgetReport(long Used, long Limit, int Reset, long Freed);
