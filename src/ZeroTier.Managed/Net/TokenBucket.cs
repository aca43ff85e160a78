namespace ZeroTier.Managed.Net;

/// <summary>A rate limit of a token bucket.</summary>
/// <param name="Burst">Tokens in a full bucket.</param>
/// <param name="PerSecond">Tokens added per second, 1 to 1,000,000.</param>
internal readonly record struct TokenRate(int Burst, int PerSecond);

/// <summary>
/// A token bucket in 8 bytes (the generic cell rate algorithm), so that large tables of them are small. Initially full. Not thread-safe.
/// </summary>
internal struct TokenBucket
{
    // The time at which the bucket will be full, in microseconds.
    private long _fullAt;

    /// <summary>Takes a token if there is one.</summary>
    /// <param name="rate">The rate limit; must be the same at every call.</param>
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
