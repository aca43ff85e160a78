namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Auto-tuning of the receive window, so that it does not limit the sender: twice what the application reads in a round-trip time. A sender
/// in slow start doubles its window each round trip, and a measurement is one old when the window that it led to fills: while what arrives
/// grows, the window is one such step ahead of it. The shortest recent round trip is used, so that data which queues here or on the path
/// does not enlarge the window. Times are in ticks of 100 ns.
/// </summary>
internal struct ReceiveWindowTuning
{
    // The granularity of the timestamp clock.
    private const long Granularity = TimeSpan.TicksPerMillisecond;

    // Older measurements are dropped, since a path's round-trip time may grow.
    private const long Lifetime = 10 * TimeSpan.TicksPerSecond;

    // From one round trip to the next, in slow start.
    private const double MaxGrowth = 2;

    private long _shortest;
    private long _shortestBefore;
    private long _forgetAt;
    private long _roundAt;
    private double _rateBefore;
    private uint _roundStart;
    private bool _inRound;

    /// <summary>A measured round-trip time. It may include time that data waited for the application.</summary>
    public void Sample(long roundTrip, long now)
    {
        if (_shortest == 0 || now >= _forgetAt)
        {
            _shortestBefore = _shortest;
            _shortest = long.MaxValue;
            _forgetAt = now + Lifetime;
        }

        _shortest = Math.Min(_shortest, Math.Max(roundTrip, Granularity));
    }

    /// <summary>Whether a round trip has passed since <see cref="OnDelivered"/> last returned a value.</summary>
    public readonly bool IsDue(long now) => _shortest != 0 && (!_inRound || now - _roundAt >= RoundTrip);

    private readonly long RoundTrip => _shortestBefore == 0 ? _shortest : Math.Min(_shortest, _shortestBefore);

    /// <summary>Called as data arrives. Returns the least window size, once per round trip; else 0.</summary>
    /// <param name="delivered">A sequence number that counts all received bytes: delivered ones, and those that wait behind gaps.</param>
    /// <param name="now">The time.</param>
    /// <param name="unread">Bytes that the application has not read. Where it does not keep up, the window does not hurry ahead.</param>
    /// <param name="leastFactor">How many times as large as usual the window is to be at least.</param>
    public long OnDelivered(uint delivered, long now, long unread, int leastFactor)
    {
        if (!IsDue(now))
        {
            return 0;
        }

        // Data comes in batches, so a measured round may take longer than a round trip: what counts is the rate.
        double rate = _inRound ? Math.Max(0, (int)(delivered - _roundStart)) / (double)(now - _roundAt) : 0;
        double growth = _rateBefore == 0 || unread > rate * RoundTrip ? 1 : Math.Clamp(rate / _rateBefore, 1, MaxGrowth);
        _inRound = true;
        _roundAt = now;
        _roundStart = delivered;
        _rateBefore = rate;
        return (long)(2 * rate * RoundTrip * Math.Max(growth, leastFactor));
    }
}
