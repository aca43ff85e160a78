using ZeroTier.Managed.IpStack.Tcp.Congestion;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>
/// Loss detection: which segments are marked as lost, by the time of their sending (RACK, RFC 8985), after duplicate acknowledgements, a
/// timeout or a smaller path MTU.
/// </content>
internal sealed partial class SackScoreboard
{
    /// <summary>
    /// RFC 5681's three duplicates: with that many segments SACKed beyond a gap, and no reordering seen so far, the gap is marked as lost
    /// without waiting for the reordering window.
    /// </summary>
    public const int DuplicateThreshold = 3;

    // Of the delivered segments the one that was sent last (RFC 8985, 5.2).
    private long _rackSentAt = long.MinValue;
    private uint _rackEnd;
    private long _rackRoundTrip;
    private long _minRoundTrip = long.MaxValue;
    private bool _reorderingSeen;

    // RFC 8985, 6.2, step 4: the reordering window in quarters of the minimum round-trip time; one more for each round with a spurious
    // retransmission.
    private const int MaxReorderingMultiplier = 64;
    private const int ReorderingPersistence = 16;
    private int _reorderingMultiplier = 1;
    private int _reorderingPersistence;
    private uint _duplicateRoundEnd;
    private bool _duplicateRound;

    // The highest sequence number that was acknowledged in any way.
    private uint _forwardAck;

    /// <summary>Marks segments as lost (RFC 8985, 6.2, step 5).</summary>
    /// <param name="now">The time.</param>
    /// <param name="recovering">Whether loss recovery is in progress.</param>
    /// <param name="smoothedRoundTrip">Upper bound of the reordering window.</param>
    /// <param name="congestion">Is called for each segment marked.</param>
    /// <param name="checkAt">Lowered to when detection must run again, because a segment is still within the reordering window.</param>
    /// <returns>True when something was newly marked.</returns>
    public bool DetectLoss(long now, bool recovering, long smoothedRoundTrip, ICongestionControl congestion, ref long checkAt)
    {
        if (SackedSegments == 0 && !recovering || _rackSentAt == long.MinValue)
        {
            return false;
        }

        long patience = !_reorderingSeen && (recovering || SackedSegments >= DuplicateThreshold)
            ? 0
            : Math.Min(_minRoundTrip / 4 * _reorderingMultiplier, smoothedRoundTrip);
        bool found = false;
        for (int place = _oldest, next; place != None; place = next)
        {
            ref Sent sent = ref _ring[place];
            next = sent.Later;
            if (sent.SentAt > _rackSentAt)
            {
                break;
            }

            if (sent.SentAt == _rackSentAt && !Sequence.IsBefore(sent.End, _rackEnd))
            {
                continue;
            }

            long lostAt = sent.SentAt + _rackRoundTrip + patience;
            if (lostAt > now)
            {
                checkAt = Math.Min(checkAt, lostAt);
                break;
            }

            MarkLostAt(IndexAt(place));
            congestion.OnSegmentLost(
                sent.Length, sent.State.InFlight, _rate.Lost - sent.State.Lost, sent.State.IsApplicationLimited, now);
            found = true;
        }

        return found;
    }

    /// <summary>
    /// The peer reported a spurious retransmission (D-SACK): the reordering window grows, once per round trip (RFC 8985, 6.2, step 4).
    /// </summary>
    public void OnSpuriousRetransmission(uint sendNext)
    {
        if (!_duplicateRound)
        {
            _duplicateRound = true;
            _duplicateRoundEnd = sendNext;
            _reorderingMultiplier = Math.Min(_reorderingMultiplier + 1, MaxReorderingMultiplier);
            _reorderingPersistence = ReorderingPersistence;
        }
    }

    /// <summary>A fast recovery was spurious, so the path reorders segments.</summary>
    public void OnReordering() => _reorderingSeen = true;

    /// <summary>
    /// A recovery has ended. After sixteen without spurious retransmissions the reordering window is reset (RFC 8985, 6.2, step 4).
    /// </summary>
    public void OnRecoveryEnded()
    {
        if (--_reorderingPersistence <= 0)
        {
            _reorderingMultiplier = 1;
        }
    }

    /// <summary>The loss was spurious: clears the marks of segments not yet retransmitted.</summary>
    public void UnmarkLost()
    {
        for (int i = 0; LostBytes > 0 && i < Count; i++)
        {
            ref Sent sent = ref At(i);
            if ((sent.Flags & SentFlags.Lost) != 0)
            {
                sent.Flags &= ~SentFlags.Lost;
                LostBytes -= sent.Length;
            }
        }

        LinkAll();
    }

    /// <summary>Marks the first segment as lost; for peers without SACK, after duplicate acknowledgements.</summary>
    public void MarkFirstLost()
    {
        if (Count > 0 && IsOpen(At(0)))
        {
            MarkLostAt(0);
        }
    }

    /// <summary>
    /// After a retransmission timeout the first segment counts as lost, and so do all that were sent more than a round trip ago (RFC 8985,
    /// 6.3): the others may still be acknowledged. All count as lost while RACK has measured no round trip.
    /// </summary>
    public void MarkLostOnTimeout(long now)
    {
        long sentBefore = _rackSentAt == long.MinValue
            ? long.MaxValue
            : now - _rackRoundTrip - _minRoundTrip / 4 * _reorderingMultiplier;

        // A first segment that was selectively acknowledged, but never cumulatively, was discarded by the peer (reneging): ignore all SACK
        // information (RFC 2018, 8).
        if (Count > 0 && (At(0).Flags & SentFlags.Sacked) != 0)
        {
            ForgetSacks();
        }

        for (int i = 0; i < Count; i++)
        {
            if (IsOpen(At(i)) && (i == 0 || At(i).SentAt <= sentBefore))
            {
                MarkLostAt(i);
            }
        }
    }

    private void ForgetSacks()
    {
        for (int i = 0; i < Count; i++)
        {
            At(i).Flags &= ~SentFlags.Sacked;
        }

        SackedBytes = 0;
        SackedSegments = 0;
        _known = default;
        LinkAll();
    }

    /// <summary>Marks segments longer than this as lost, after the path MTU has fallen.</summary>
    /// <returns>True when there was one.</returns>
    public bool MarkLost(int longerThan)
    {
        int before = LostBytes;
        for (int i = 0; i < Count; i++)
        {
            if (At(i).Length > longerThan && IsOpen(At(i)))
            {
                MarkLostAt(i);
            }
        }

        return LostBytes > before;
    }

    /// <summary>
    /// Marks the last segment as lost, so that it is retransmitted as a tail loss probe (RFC 8985, 7.3), but does not count it: whether it
    /// is lost, the answer tells.
    /// </summary>
    public bool MarkLastLost()
    {
        if (Count == 0 || !IsOpen(At(Count - 1)))
        {
            return false;
        }

        MarkLostAt(Count - 1);
        _rate.Lost -= At(Count - 1).Length;
        return true;
    }

    private void MarkLostAt(int index)
    {
        ref Sent sent = ref At(index);
        Unlink(index);
        _firstLost = LostBytes == 0 ? index : Math.Min(_firstLost, index);
        sent.Flags |= SentFlags.Lost;
        LostBytes += sent.Length;
        _rate.Lost += sent.Length;
    }

    private void OnDelivered(in Sent sent, long now, ref Delivery delivery)
    {
        long roundTrip = now - sent.SentAt;
        bool retransmitted = (sent.Flags & SentFlags.Retransmitted) != 0;
        if (!retransmitted)
        {
            // Karn's algorithm (RFC 6298, 3): retransmitted segments are not measured. The last one delivered gives the sample.
            delivery.RoundTrip = roundTrip;
            _minRoundTrip = Math.Min(_minRoundTrip, roundTrip);

            // RFC 8985, 6.2, step 3: a segment that was not retransmitted arrived after later ones, so the path reorders.
            if (Sequence.IsBefore(sent.End, _forwardAck))
            {
                _reorderingSeen = true;
            }
        }

        _forwardAck = Sequence.Max(_forwardAck, sent.End);

        // RFC 8985, 6.2, step 2: an acknowledgement this early must be for the first transmission.
        if (retransmitted && roundTrip < _minRoundTrip)
        {
            return;
        }

        _rate.OnDelivered(sent.State, sent.SentAt, now, ref delivery.Rate);

        if (sent.SentAt > _rackSentAt || sent.SentAt == _rackSentAt && Sequence.IsAfter(sent.End, _rackEnd))
        {
            _rackSentAt = sent.SentAt;
            _rackEnd = sent.End;
            _rackRoundTrip = roundTrip;
        }
    }
}
