namespace ZeroTier.Simulation;

/// <summary>
/// Time that moves only when the test moves it. One queue holds every timer and every event of the simulated network;
/// entries run on the driving thread in order of time, then of creation, so that a run depends on nothing but its inputs.
/// </summary>
/// <remarks>
/// An exception thrown by a timer callback or an event leaves the driving call: nothing that a simulation runs may throw.
/// While it drives, the clock removes the current synchronization context, so that continuations run inline and not on the thread pool.
/// </remarks>
public sealed class VirtualClock : TimeProvider
{
    /// <summary>More events than this in one instant are taken for two parties that answer each other for ever.</summary>
    public const int MaximumEventsPerInstant = 1_000_000;

    private readonly Lock _lock = new();
    private readonly PriorityQueue<Entry, Due> _queue = new();
    private readonly DateTimeOffset _start;
    private long _now;
    private long _sequence;
    private long _instant;
    private int _eventsInInstant;
    private bool _driving;

    /// <summary>A clock that begins at 2026-01-01 UTC.</summary>
    public VirtualClock()
        : this(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>A clock that begins at the given time.</summary>
    public VirtualClock(DateTimeOffset start) => _start = start;

    /// <summary>Virtual time passed since the clock was made.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Volatile.Read(ref _now));

    /// <summary>By how much somebody has set the wall clock; what passes, and timers, do not mind.</summary>
    public TimeSpan WallClockSet { get; set; }

    /// <summary>Number of entries waiting, those of cancelled timers included.</summary>
    public int PendingEvents
    {
        get
        {
            lock (_lock)
            {
                return _queue.Count;
            }
        }
    }

    /// <inheritdoc />
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc />
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc />
    public override long GetTimestamp() => Volatile.Read(ref _now);

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow() => _start + Elapsed + WallClockSet;

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Runs an action after the given virtual time; zero means later in this instant, never before the call returns.</summary>
    public void Schedule(TimeSpan delay, Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Schedule(delay, new ActionEvent(action), 0);
    }

    /// <summary>Runs everything due in the current instant, and what that causes in the same instant. Time does not move.</summary>
    public void RunUntilIdle() => Drive(null, _now);

    /// <summary>Runs until nothing waits any more or the limit is reached; then the clock stands at the last event.</summary>
    /// <returns>True when nothing waits any more. Periodic timers prevent that.</returns>
    public bool RunUntilIdle(TimeSpan limit)
    {
        Drive(null, _now + limit.Ticks);
        return PendingEvents == 0;
    }

    /// <summary>Moves time on, running everything that falls due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long end = _now + by.Ticks;
        Drive(null, end);
        Volatile.Write(ref _now, end);
    }

    /// <summary>Runs event by event until the condition holds. When it does not within the limit, the clock stands at the limit.</summary>
    /// <returns>True when the condition holds.</returns>
    public bool RunUntil(Func<bool> condition, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(condition);
        long end = _now + limit.Ticks;
        if (Drive(condition, end))
        {
            return true;
        }

        Volatile.Write(ref _now, end);
        return condition();
    }

    /// <summary>Starts asynchronous code on this thread, runs the simulation until it completes, and rethrows what it threw.</summary>
    /// <exception cref="TimeoutException">It did not complete within the limit of virtual time.</exception>
    public void Run(Func<Task> code, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(code);
        var task = WithoutContext(code);
        if (!RunUntil(() => task.IsCompleted, limit))
        {
            throw new TimeoutException($"Not completed after {limit} of virtual time ({PendingEvents} events pending).");
        }

        task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Run(Func{Task}, TimeSpan)" />
    public T Run<T>(Func<Task<T>> code, TimeSpan limit)
    {
        T result = default!;
        Run(async () => { result = await code().ConfigureAwait(false); }, limit);
        return result;
    }

    internal void Schedule(TimeSpan delay, IVirtualEvent target, int version)
    {
        lock (_lock)
        {
            long due = _now + Math.Max(0, delay.Ticks);
            _queue.Enqueue(new Entry(target, version), new Due(due, _sequence++));
        }
    }

    private static Task WithoutContext(Func<Task> code)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return code();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private bool Drive(Func<bool>? condition, long end)
    {
        if (_driving)
        {
            throw new InvalidOperationException("The clock is being driven already: an event must not move time.");
        }

        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        _driving = true;
        try
        {
            while (true)
            {
                if (condition is not null && condition())
                {
                    return true;
                }

                if (!TryTake(end, out var entry))
                {
                    return false;
                }

                entry.Target.Run(entry.Version);
            }
        }
        finally
        {
            _driving = false;
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private bool TryTake(long end, out Entry entry)
    {
        lock (_lock)
        {
            if (!_queue.TryPeek(out entry, out var due) || due.Time > end)
            {
                return false;
            }

            _queue.Dequeue();
            if (due.Time != _instant)
            {
                _instant = due.Time;
                _eventsInInstant = 0;
            }
            else if (++_eventsInInstant > MaximumEventsPerInstant)
            {
                throw new InvalidOperationException($"More than {MaximumEventsPerInstant} events at {Elapsed}: time cannot move on.");
            }

            Volatile.Write(ref _now, due.Time);
            return true;
        }
    }

    private readonly record struct Entry(IVirtualEvent Target, int Version);

    private readonly record struct Due(long Time, long Sequence) : IComparable<Due>
    {
        public int CompareTo(Due other) => Time != other.Time ? Time.CompareTo(other.Time) : Sequence.CompareTo(other.Sequence);
    }

    private sealed class ActionEvent(Action action) : IVirtualEvent
    {
        public void Run(int version) => action();
    }

    /// <summary>A timer whose queue entries carry a version: a change makes the older ones void.</summary>
    private sealed class VirtualTimer(VirtualClock clock, TimerCallback callback, object? state) : ITimer, IVirtualEvent
    {
        private int _version;
        private TimeSpan _period;
        private bool _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_disposed)
            {
                return false;
            }

            ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, Timeout.InfiniteTimeSpan);
            ArgumentOutOfRangeException.ThrowIfLessThan(period, Timeout.InfiniteTimeSpan);
            _version++;
            _period = period;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                clock.Schedule(dueTime, this, _version);
            }

            return true;
        }

        public void Run(int version)
        {
            if (_disposed || version != _version)
            {
                return;
            }

            if (_period > TimeSpan.Zero)
            {
                clock.Schedule(_period, this, version);
            }

            callback(state);
        }

        public void Dispose() => _disposed = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>Something that the clock runs when its time has come.</summary>
internal interface IVirtualEvent
{
    /// <summary>Runs it; the version is the one it was scheduled with.</summary>
    void Run(int version);
}
