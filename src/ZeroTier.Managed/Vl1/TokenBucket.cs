namespace ZeroTier.Managed.Vl1;

/// <summary>So much at once, and so much per second.</summary>
/// <param name="Burst">Tokens in a full bucket.</param>
/// <param name="PerSecond">Tokens that are added each second, up to a million.</param>
internal readonly record struct TokenRate(int Burst, int PerSecond);

/// <summary>A token bucket in one word, so that a table of many is small (the generic cell rate algorithm). Full at the start.</summary>
internal struct TokenBucket
{
    // When it will be full again, in microseconds.
    private long _fullAt;

    /// <summary>Takes a token if there is one.</summary>
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
