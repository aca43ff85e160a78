using Microsoft.Extensions.Logging;

namespace ZeroTier.Engines;

/// <summary>A TimeProvider whose timers log exceptions of their callbacks, which would otherwise end the process.</summary>
internal sealed class ShieldedTime(TimeProvider inner, ILogger log) : TimeProvider
{
    public override long TimestampFrequency => inner.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => inner.LocalTimeZone;

    public override long GetTimestamp() => inner.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(static tick => ((Tick)tick!).Run(), new Tick(callback, state, log), dueTime, period);

    private sealed class Tick(TimerCallback callback, object? state, ILogger log)
    {
        public void Run()
        {
            try
            {
                callback(state);
            }
            catch (Exception e)
            {
                ShieldLog.TimerFailed(log, e);
            }
        }
    }
}
