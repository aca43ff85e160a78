namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Protection against wrapped sequence numbers (RFC 7323, 5), relaxed for paths that reorder: a segment is old if its timestamp is below
/// the value that the latest timestamp had 10 seconds, or 1 GiB of data, ago. Sequence numbers do not wrap in that time. With the latest
/// timestamp itself as the limit, one retransmission would make the receiver drop all segments that the path has delayed, which then have
/// to be retransmitted as well. Times are in ticks of 100 ns.
/// </summary>
internal struct Paws
{
    // RFC 7323, 5.5: after this idle time the latest timestamp is invalid and not used.
    private const long Lifetime = 24 * TimeSpan.TicksPerDay;

    // Minimum age of the limit; its maximum age is twice that.
    private const long Period = 10 * TimeSpan.TicksPerSecond;
    private const uint Bytes = 1 << 30;

    private long _latestAt;
    private long _periodAt;
    private uint _periodMoved;
    private uint _limit;
    private uint _nextLimit;

    /// <param name="timestamp">The timestamp of the peer's SYN; no segment of this connection has an older one.</param>
    /// <param name="now">The time.</param>
    public Paws(uint timestamp, long now) => Restart(timestamp, now);

    /// <summary>The latest timestamp of the peer (TS.Recent), which is echoed.</summary>
    public uint Latest { get; private set; }

    /// <summary>Whether a segment is old and must be dropped (RFC 7323, 5.3, R1).</summary>
    /// <param name="timestamp">The timestamp of a received segment.</param>
    /// <param name="moved">A counter of the bytes transferred in both directions; its start value does not matter.</param>
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

    /// <summary>Takes the timestamp of a segment at the left edge of the receive window (RFC 7323, 4.3).</summary>
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
