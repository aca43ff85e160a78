namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// Estimates the delivery rate (draft-ietf-ccwg-bbr, 4.1): the bytes delivered between the sending of a segment and its acknowledgement,
/// divided by that time; samples are marked when the application limited the sender. Bytes and ticks of 100 ns.
/// </summary>
internal struct DeliveryRate
{
    private long _deliveredAt;
    private long _firstSentAt;
    private long _limitedUntil;

    /// <summary>All bytes that were acknowledged, cumulatively or selectively.</summary>
    public long Delivered { get; private set; }

    /// <summary>All bytes that were marked as lost.</summary>
    public long Lost { get; set; }

    /// <summary>
    /// The state to store with a segment that is sent or retransmitted; a rate sample is computed from it on acknowledgement.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="inFlight">Bytes in flight, this segment included.</param>
    /// <param name="isFirst">Nothing else is in flight.</param>
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
    /// The application has nothing to send though the window is open: samples of what is in flight now are marked as application-limited.
    /// </summary>
    public void OnApplicationLimited(int inFlight) => _limitedUntil = Math.Max(1, Delivered + inFlight);

    /// <summary>A whole segment was acknowledged.</summary>
    public void OnDelivered(in SentState sent, long sentAt, long now, ref RateSample sample)
    {
        // Of all segments that one acknowledgement covers, the one sent last determines the sample.
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

    /// <summary>Counts newly acknowledged bytes, also of partly acknowledged segments.</summary>
    public void Count(int bytes, long now)
    {
        Delivered += bytes;
        _deliveredAt = now;
        if (_limitedUntil != 0 && Delivered > _limitedUntil)
        {
            _limitedUntil = 0;
        }
    }

    /// <summary>The estimator's state when a segment was sent.</summary>
    internal readonly record struct SentState(
        long Delivered, long DeliveredAt, long FirstSentAt, long Lost, int InFlight, bool IsApplicationLimited);
}

/// <summary>The delivery rate at one acknowledgement.</summary>
internal struct RateSample
{
    public bool IsValid;

    /// <summary><see cref="DeliveryRate.Delivered"/> when the last-sent of the acknowledged segments was sent.</summary>
    public long PriorDelivered;
    public long SentAt;
    public long Interval;

    /// <summary>Bytes marked as lost since then.</summary>
    public long Lost;

    /// <summary>Bytes in flight when it was sent.</summary>
    public int InFlight;
    public bool IsApplicationLimited;
}
