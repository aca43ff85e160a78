namespace ZeroTier.Managed.IpStack;

/// <summary>One timer for many deadlines, armed only while there is one. Thread-safe.</summary>
internal sealed class DeadlineTimer : IDisposable
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Func<long, long> _expire;
    private readonly ITimer _timer;
    private long _due = long.MaxValue;

    /// <param name="time">The clock.</param>
    /// <param name="expire">Called with the present time, outside any lock; returns the next deadline, or
    /// <see cref="long.MaxValue"/>.</param>
    public DeadlineTimer(TimeProvider time, Func<long, long> expire)
    {
        _time = time;
        _start = time.GetTimestamp();
        _expire = expire;
        _timer = time.CreateTimer(static state => ((DeadlineTimer)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Milliseconds since the timer was created.</summary>
    public long Now => (long)_time.GetElapsedTime(_start).TotalMilliseconds;

    /// <summary>Makes sure that the timer fires at this time or earlier.</summary>
    public void Require(long deadline)
    {
        lock (_gate)
        {
            if (deadline < _due)
            {
                _due = deadline;
                _timer.Change(TimeSpan.FromMilliseconds(Math.Max(1, deadline - Now)), Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Fire()
    {
        lock (_gate)
        {
            _due = long.MaxValue;
        }

        long next = _expire(Now);
        if (next != long.MaxValue)
        {
            Require(next);
        }
    }
}
