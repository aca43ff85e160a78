namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Limits challenge ACKs (RFC 5961, 7): ten per second and connection.</summary>
/// <remarks>
/// Counts in fixed periods of one second, as the RFC describes it, and not as a token bucket: ten at the end of one period may be followed
/// directly by ten at the start of the next.
/// </remarks>
internal struct ChallengeLimiter
{
    private const int PerPeriod = 10;
    private const long Period = TimeSpan.TicksPerSecond;

    private long _periodEnd;
    private int _taken;

    public bool TryTake(long now)
    {
        if (now >= _periodEnd)
        {
            _periodEnd = now + Period;
            _taken = 0;
        }

        return _taken++ < PerPeriod;
    }
}
