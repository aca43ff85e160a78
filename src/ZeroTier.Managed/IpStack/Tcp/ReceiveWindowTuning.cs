namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Auto-tuning of the receive window, so that it does not limit the sender: twice what the application reads in a round-trip time, since a
/// sender in slow start doubles its window. The shortest recent round trip is used, so that data which queues here or on the path does not
/// enlarge the window. Times are in ticks of 100 ns.
/// </summary>
internal struct ReceiveWindowTuning
{
    // The granularity of the timestamp clock.
    private const long Granularity = TimeSpan.TicksPerMillisecond;

    // Older measurements are dropped, since a path's round-trip time may grow.
    private const long Lifetime = 10 * TimeSpan.TicksPerSecond;

    private long _shortest;
    private long _shortestBefore;
    private long _forgetAt;
    private long _roundAt;
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

    /// <summary>Called when data was delivered to the application. Returns the least window size, once per round trip; else 0.</summary>
    /// <param name="delivered">The first sequence number that has not been delivered.</param>
    /// <param name="now">The time.</param>
    public long OnDelivered(uint delivered, long now)
    {
        if (_shortest == 0)
        {
            return 0;
        }

        long roundTrip = _shortestBefore == 0 ? _shortest : Math.Min(_shortest, _shortestBefore);
        long elapsed = now - _roundAt;
        if (_inRound && elapsed < roundTrip)
        {
            return 0;
        }

        // Data comes in batches, so a measured round may take longer than a round trip: the bytes are scaled down to one round trip.
        long bytes = _inRound ? (uint)(delivered - _roundStart) * roundTrip / elapsed : 0;
        _inRound = true;
        _roundAt = now;
        _roundStart = delivered;
        return 2 * bytes;
    }
}
