namespace EndToEnd.Tests;

/// <summary>The system's clock; counts the timers that are alive.</summary>
internal sealed class CountingTimeProvider : TimeProvider
{
    private int _timers;

    public int Timers => Volatile.Read(ref _timers);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Interlocked.Increment(ref _timers);
        return new Counted(base.CreateTimer(callback, state, dueTime, period), this);
    }

    private sealed class Counted(ITimer inner, CountingTimeProvider owner) : ITimer
    {
        private int _disposed;

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
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref owner._timers);
            }
        }
    }
}
