using System.Collections.Concurrent;

namespace Kestrel.Transport.ZeroTier.Tests.Fakes;

/// <summary>The system's time that keeps a record of its timers.</summary>
/// <param name="due">When timers are due, by what they were asked for.</param>
internal sealed class TimerLog(Func<TimeSpan, TimeSpan> due) : TimeProvider
{
    private int _active;

    /// <summary>Timers are due at once.</summary>
    public static TimerLog Hurried => new(_ => TimeSpan.Zero);

    /// <summary>Timers are never due: what happens, happens because of an event.</summary>
    public static TimerLog Stopped => new(_ => Timeout.InfiniteTimeSpan);

    /// <summary>The times asked for, in order.</summary>
    public ConcurrentQueue<TimeSpan> Due { get; } = new();

    /// <summary>Timers that are not disposed of.</summary>
    public int Active => Volatile.Read(ref _active);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Interlocked.Increment(ref _active);
        Due.Enqueue(dueTime);
        return new Timer(this, System.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? due(dueTime) : dueTime, period));
    }

    private sealed class Timer(TimerLog log, ITimer inner) : ITimer
    {
        private int _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(dueTime, period);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref log._active);
            }

            inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
