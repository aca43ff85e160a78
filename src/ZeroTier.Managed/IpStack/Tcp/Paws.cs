namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Protection against wrapped sequence numbers (RFC 7323, 5), for paths that reorder: a segment is old when its timestamp is below what the
/// latest was ten seconds, or 1 GiB, ago. In that time no number comes again. With the latest itself as the limit a retransmission would
/// make the receiver drop whatever the path has delayed, which is then sent again, and so on. Times are in ticks of 100 ns.
/// </summary>
internal struct Paws
{
    // RFC 7323, 5.5: a timestamp older than this says nothing any more.
    private const long Lifetime = 24 * TimeSpan.TicksPerDay;

    // The limit lies so far back at least, and at most twice as far.
    private const long Period = 10 * TimeSpan.TicksPerSecond;
    private const uint Bytes = 1 << 30;

    private long _latestAt;
    private long _periodAt;
    private uint _periodMoved;
    private uint _limit;
    private uint _nextLimit;

    /// <param name="timestamp">Of the peer's SYN: nothing from before is of this connection.</param>
    /// <param name="now">The time.</param>
    public Paws(uint timestamp, long now) => Restart(timestamp, now);

    /// <summary>The latest timestamp of the peer, which is echoed.</summary>
    public uint Latest { get; private set; }

    /// <summary>RFC 7323, 5.3, R1.</summary>
    /// <param name="timestamp">Of a segment that has arrived.</param>
    /// <param name="moved">Grows by each byte in either direction, from an arbitrary number.</param>
    /// <param name="now">The time.</param>
    public bool IsOld(uint timestamp, uint moved, long now)
    {
        long elapsed = now - _periodAt;
        if (elapsed >= Period || moved - _periodMoved >= Bytes)
        {
            _limit = elapsed >= 2 * Period ? Latest : _nextLimit;
            _nextLimit = Latest;
            _periodAt = now;
            _periodMoved = moved;
        }

        return (int)(timestamp - _limit) < 0 && now - _latestAt < Lifetime;
    }

    /// <summary>A segment from the left edge of the window (RFC 7323, 4.3).</summary>
    public void Take(uint timestamp, long now)
    {
        if (now - _latestAt >= Lifetime)
        {
            Restart(timestamp, now);
        }
        else if ((int)(timestamp - Latest) >= 0)
        {
            Latest = timestamp;
            _latestAt = now;
        }
    }

    private void Restart(uint timestamp, long now)
    {
        Latest = timestamp;
        _latestAt = now;
        _periodAt = now;
        _limit = timestamp;
        _nextLimit = timestamp;
    }
}
