namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// How fast the path delivers (draft-ietf-ccwg-bbr, 4.1): between two acknowledgements as much has arrived as the path carries, unless the
/// application had nothing to send. Bytes and ticks of 100 ns.
/// </summary>
internal struct DeliveryRate
{
    private long _deliveredAt;
    private long _firstSentAt;
    private long _limitedUntil;

    /// <summary>All that has arrived.</summary>
    public long Delivered { get; private set; }

    /// <summary>All that was marked as lost.</summary>
    public long Lost { get; set; }

    /// <summary>
    /// Remembers with a segment that leaves, for the first time or again, what its acknowledgement will be compared with.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="inFlight">What is on the path, this segment included.</param>
    /// <param name="isFirst">Nothing else is on the path.</param>
    public SentState OnSent(long now, int inFlight, bool isFirst)
    {
        if (isFirst)
        {
            _firstSentAt = now;
            _deliveredAt = now;
        }

        return new SentState(Delivered, _deliveredAt, _firstSentAt, Lost, inFlight, _limitedUntil != 0);
    }

    /// <summary>
    /// The application has nothing to send though the window is open: what is in flight now does not show the path's rate.
    /// </summary>
    public void OnApplicationLimited(int inFlight) => _limitedUntil = Math.Max(1, Delivered + inFlight);

    /// <summary>A segment has arrived.</summary>
    public void OnDelivered(in SentState sent, long sentAt, long now, ref RateSample sample)
    {
        // The segment that was sent last tells the most.
        if (!sample.IsValid || sent.Delivered > sample.PriorDelivered || sent.Delivered == sample.PriorDelivered && sentAt >= sample.SentAt)
        {
            sample.IsValid = true;
            sample.PriorDelivered = sent.Delivered;
            sample.SentAt = sentAt;
            sample.IsApplicationLimited = sent.IsApplicationLimited;
            sample.InFlight = sent.InFlight;
            sample.Lost = Lost - sent.Lost;
            sample.Interval = Math.Max(sentAt - sent.FirstSentAt, now - sent.DeliveredAt);
            _firstSentAt = sentAt;
        }
    }

    /// <summary>Counts bytes that have arrived, whole segments or not.</summary>
    public void Count(int bytes, long now)
    {
        Delivered += bytes;
        _deliveredAt = now;
        if (_limitedUntil != 0 && Delivered > _limitedUntil)
        {
            _limitedUntil = 0;
        }
    }

    /// <summary>What was known when a segment was sent.</summary>
    internal readonly record struct SentState(
        long Delivered, long DeliveredAt, long FirstSentAt, long Lost, int InFlight, bool IsApplicationLimited);
}

/// <summary>The delivery rate at one acknowledgement.</summary>
internal struct RateSample
{
    public bool IsValid;

    /// <summary>What had arrived when the latest of the acknowledged segments was sent.</summary>
    public long PriorDelivered;
    public long SentAt;
    public long Interval;

    /// <summary>What was lost since.</summary>
    public long Lost;

    /// <summary>What was on the path when it was sent.</summary>
    public int InFlight;
    public bool IsApplicationLimited;
}
