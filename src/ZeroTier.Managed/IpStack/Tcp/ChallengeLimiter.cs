namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Limits the answers that segments outside the window can provoke (RFC 5961, 7): ten per second and connection.</summary>
/// <remarks>
/// Counts per second, as the RFC describes it, and is no token bucket: ten unused ones may be followed by ten more at once.
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
