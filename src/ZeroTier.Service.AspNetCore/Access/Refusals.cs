using Microsoft.Extensions.Logging;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>Logs refused requests, at most once per second, so that guessing tokens does not flood the log. Thread-safe.</summary>
internal sealed class Refusals(ILogger logger, TimeProvider timeProvider)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private long? _logged;
    private long _count;

    public void Report(string reason)
    {
        long count;
        lock (_gate)
        {
            _count++;
            long now = timeProvider.GetTimestamp();
            if (_logged is { } last && timeProvider.GetElapsedTime(last, now) < Interval)
            {
                return;
            }

            _logged = now;
            count = _count;
            _count = 0;
        }

        AccessLog.RequestRefused(logger, reason, count);
    }
}
