namespace ZeroTier.Managed.Net;

/// <summary>A rate limit (RFC 4443, 2.4 f): so many at once, so many per second. Thread-safe.</summary>
internal sealed class TokenBucket(TimeProvider time, int perSecond, int burst)
{
    private readonly Lock _gate = new();
    private long _filled = time.GetTimestamp();
    private double _tokens = burst;

    public bool TryTake()
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            _tokens = Math.Min(burst, _tokens + time.GetElapsedTime(_filled, now).TotalSeconds * perSecond);
            _filled = now;
            if (_tokens < 1)
            {
                return false;
            }

            _tokens--;
            return true;
        }
    }
}
