using System.Collections.Concurrent;

namespace ZeroTier.TestSupport;

/// <summary>
/// The system's time, which counts its timers, and can start them other than asked for. A test in which no time passes by itself takes
/// <c>FakeTimeProvider</c>, which cannot set the wall clock alone.
/// </summary>
public sealed class ObservedTime : TimeProvider
{
    private int _activeTimers;

    /// <summary>Every timer is due at once.</summary>
    public static ObservedTime Hurried => new() { Start = static (due, period) => (due > TimeSpan.Zero ? TimeSpan.Zero : due, period) };

    /// <summary>No timer is ever due: what happens, happens because of an event.</summary>
    public static ObservedTime Stopped =>
        new() { Start = static (due, period) => (due > TimeSpan.Zero ? Timeout.InfiniteTimeSpan : due, period) };

    /// <summary>Due time and period of a timer, made from those asked for. What it throws, <see cref="CreateTimer"/> throws.</summary>
    public Func<TimeSpan, TimeSpan, (TimeSpan Due, TimeSpan Period)> Start { get; init; } = static (due, period) => (due, period);

    /// <summary>The due times asked for, in order.</summary>
    public ConcurrentQueue<TimeSpan> Due { get; } = new();

    /// <summary>Timers that are not disposed of.</summary>
    public int ActiveTimers => Volatile.Read(ref _activeTimers);

    /// <summary>By how much the test has moved time on. Timers take no notice.</summary>
    public TimeSpan Ahead { get; set; }

    /// <summary>By how much somebody has set the wall clock; timestamps take no notice.</summary>
    public TimeSpan WallClockSet { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead + WallClockSet;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Due.Enqueue(dueTime);
        (dueTime, period) = Start(dueTime, period);
        Interlocked.Increment(ref _activeTimers);
        return new Timer(this, System.CreateTimer(callback, state, dueTime, period));
    }

    private sealed class Timer(ObservedTime time, ITimer inner) : ITimer
    {
        private int _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(dueTime, period);

        public void Dispose()
        {
            Count();
            inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Count();
            return inner.DisposeAsync();
        }

        private void Count()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                Interlocked.Decrement(ref time._activeTimers);
            }
        }
    }
}
