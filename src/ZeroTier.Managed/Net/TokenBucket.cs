namespace ZeroTier.Managed.Net;

/// <summary>A rate limit: a burst, then so many per second.</summary>
/// <param name="Burst">Tokens in a full bucket.</param>
/// <param name="PerSecond">Tokens that are added each second, up to a million.</param>
internal readonly record struct TokenRate(int Burst, int PerSecond);

/// <summary>
/// A token bucket in one word, so that a table of many is small (the generic cell rate algorithm). Full at the start. Not thread-safe.
/// </summary>
internal struct TokenBucket
{
    // When it will be full again, in microseconds.
    private long _fullAt;

    /// <summary>Takes a token if there is one.</summary>
    /// <param name="rate">The same at every call.</param>
    /// <param name="now">The time in milliseconds.</param>
    public bool TryTake(in TokenRate rate, long now)
    {
        long microseconds = 1000 * now;
        long interval = 1_000_000 / rate.PerSecond;
        long fullAt = Math.Max(_fullAt, microseconds) + interval;
        if (fullAt - microseconds > rate.Burst * interval)
        {
            return false;
        }

        _fullAt = fullAt;
        return true;
    }
}
