namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>The retransmission timeout (RFC 6298). Times are in ticks of 100 ns.</summary>
internal struct RetransmissionTimer
{
    /// <summary>Timeout before the first round-trip time is measured (RFC 6298, 2.1).</summary>
    public const long Initial = TimeSpan.TicksPerSecond;

    /// <summary>
    /// RFC 6298, 2.4 asks for 1 s. 200 ms, as in Linux, recover faster and are longer than every delayed acknowledgement that we know of.
    /// </summary>
    public const long Minimum = 200 * TimeSpan.TicksPerMillisecond;

    /// <summary>Longest timeout (RFC 6298, 2.5).</summary>
    public const long Maximum = 60 * TimeSpan.TicksPerSecond;

    private const long Granularity = TimeSpan.TicksPerMillisecond;

    private long _variation;
    private long _base;
    private int _backoff;

    public RetransmissionTimer() => _base = Initial;

    /// <summary>Zero before the first measurement.</summary>
    public long SmoothedRoundTrip { get; private set; }

    /// <summary>The timeout in force, back-off included.</summary>
    public readonly long Timeout => Math.Min(_base << _backoff, Maximum);

    /// <summary>Adds the round-trip time of a segment that was not retransmitted (RFC 6298, 2.2, 2.3 and 3).</summary>
    public void Sample(long roundTrip)
    {
        if (SmoothedRoundTrip == 0)
        {
            SmoothedRoundTrip = Math.Max(1, roundTrip);
            _variation = roundTrip / 2;
        }
        else
        {
            _variation += (Math.Abs(SmoothedRoundTrip - roundTrip) - _variation) / 4;
            SmoothedRoundTrip = Math.Max(1, SmoothedRoundTrip + (roundTrip - SmoothedRoundTrip) / 8);
        }

        _base = Math.Clamp(SmoothedRoundTrip + Math.Max(Granularity, 4 * _variation), Minimum, Maximum);
        _backoff = 0;
    }

    /// <summary>
    /// The timer expired too early, since a round trip now takes this long: measures anew (RFC 4015, 3.2). Segments that are retransmitted
    /// are not measured, so a path that has become slower than the timeout would otherwise have each of its segments sent twice.
    /// </summary>
    public void Restart(long roundTrip)
    {
        SmoothedRoundTrip = 0;
        Sample(roundTrip);
    }

    /// <summary>The timer expired: doubles the timeout (RFC 6298, 5.5).</summary>
    public void BackOff() => _backoff = Math.Min(_backoff + 1, 16);

    /// <summary>New data was acknowledged: ends the exponential back-off.</summary>
    public void EndBackOff() => _backoff = 0;

    /// <summary>RFC 6298, 5.7: the SYN was retransmitted, so the timeout for the first data is 3 s.</summary>
    public void RestartAfterSynLoss()
    {
        _base = 3 * TimeSpan.TicksPerSecond;
        _backoff = 0;
    }
}
