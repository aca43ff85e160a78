using System.Runtime.CompilerServices;
using ZeroTier.Managed.IpStack.Tcp.Congestion;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// The segments that were sent and are not yet cumulatively acknowledged: the sender's side of RFC 2018 and the pipe of RFC 6675. Loss is
/// detected by time of sending, as in RACK (RFC 8985), which also finds lost retransmissions and tolerates reordering. Guarded by the
/// connection's lock.
/// </summary>
internal sealed class SackScoreboard
{
    /// <summary>
    /// RFC 5681's three duplicates: with that many segments SACKed beyond a gap, and no reordering seen so far, the gap is marked as lost
    /// without waiting for the reordering window.
    /// </summary>
    public const int DuplicateThreshold = 3;

    private Sent[] _ring = [];
    private DeliveryRate _rate;
    private int _first;

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

    public int Count { get; private set; }

    /// <summary>Sequence numbers sent and not cumulatively acknowledged.</summary>
    public int Outstanding { get; private set; }

    /// <summary>Of <see cref="Outstanding"/>: selectively acknowledged.</summary>
    public int SackedBytes { get; private set; }

    public int SackedSegments { get; private set; }

    /// <summary>Of <see cref="Outstanding"/>: marked as lost and not yet retransmitted.</summary>
    public int LostBytes { get; private set; }

    /// <summary>All bytes ever acknowledged, cumulatively or selectively.</summary>
    public long TotalDelivered => _rate.Delivered;

    public long TotalLost => _rate.Lost;

    /// <summary>The pipe of RFC 6675, 4.</summary>
    public int InFlight => Outstanding - SackedBytes - LostBytes;

    /// <summary>The application has nothing to send though the window is open.</summary>
    public void OnApplicationLimited() => _rate.OnApplicationLimited(InFlight);

    /// <summary>Adds a segment of new data that is sent now.</summary>
    public void Add(uint sequence, int length, long now)
    {
        if (Count == _ring.Length)
        {
            Grow();
        }

        if (Count == 0)
        {
            _forwardAck = sequence;
        }

        bool isFirst = InFlight == 0;
        Outstanding += length;
        At(Count++) = new Sent { Start = sequence, Length = length, SentAt = now, State = _rate.OnSent(now, InFlight, isFirst) };
    }

    /// <summary>Removes everything below the acknowledgement number.</summary>
    public void Acknowledge(uint acknowledgement, long now, ref Delivery delivery)
    {
        _duplicateRound = _duplicateRound && Sequence.IsBefore(acknowledgement, _duplicateRoundEnd);
        while (Count > 0)
        {
            ref Sent sent = ref At(0);
            int covered = Math.Min((int)(acknowledgement - sent.Start), sent.Length);
            if (covered <= 0)
            {
                break;
            }

            Outstanding -= covered;
            if ((sent.Flags & SentFlags.Sacked) != 0)
            {
                SackedBytes -= covered;
            }
            else
            {
                delivery.Bytes += covered;
                _rate.Count(covered, now);
                if ((sent.Flags & SentFlags.Lost) != 0)
                {
                    LostBytes -= covered;
                }
            }

            if (covered < sent.Length)
            {
                sent.Start += (uint)covered;
                sent.Length -= covered;
                break;
            }

            if ((sent.Flags & SentFlags.Sacked) != 0)
            {
                SackedSegments--;
            }
            else
            {
                OnDelivered(sent, now, ref delivery);
            }

            _first = (_first + 1) & (_ring.Length - 1);
            Count--;
        }

        if (Count == 0 && _ring.Length > 64)
        {
            _ring = [];
            _first = 0;
        }
    }

    /// <summary>
    /// Marks the segments of a SACK block as arrived. Blocks outside of what is outstanding are ignored (RFC 2018, 5; RFC 2883).
    /// </summary>
    public void Sack(SackBlock block, uint sendNext, long now, ref Delivery delivery)
    {
        if (Count == 0
            || !Sequence.IsBefore(block.Start, block.End)
            || Sequence.IsBefore(block.Start, At(0).Start)
            || Sequence.IsAfter(block.End, sendNext))
        {
            return;
        }

        for (int i = IndexOf(block.Start); i < Count; i++)
        {
            ref Sent sent = ref At(i);
            if (Sequence.IsAfter(sent.End, block.End))
            {
                break;
            }

            if ((sent.Flags & SentFlags.Sacked) == 0)
            {
                if ((sent.Flags & SentFlags.Lost) != 0)
                {
                    LostBytes -= sent.Length;
                }

                sent.Flags = (sent.Flags | SentFlags.Sacked) & ~SentFlags.Lost;
                SackedBytes += sent.Length;
                SackedSegments++;
                delivery.Bytes += sent.Length;
                _rate.Count(sent.Length, now);
                OnDelivered(sent, now, ref delivery);
            }
        }
    }

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
        for (int i = 0; i < Count; i++)
        {
            ref Sent sent = ref At(i);
            bool sentBefore = sent.SentAt < _rackSentAt || sent.SentAt == _rackSentAt && Sequence.IsBefore(sent.End, _rackEnd);
            if (!sentBefore)
            {
                // Segments that were never retransmitted are in order of sending time: no later one can have been sent before.
                if ((sent.Flags & SentFlags.Retransmitted) == 0)
                {
                    break;
                }

                continue;
            }

            if ((sent.Flags & (SentFlags.Sacked | SentFlags.Lost)) != 0)
            {
                continue;
            }

            long lostAt = sent.SentAt + _rackRoundTrip + patience;
            if (lostAt <= now)
            {
                MarkLost(ref sent);
                congestion.OnSegmentLost(
                    sent.Length, sent.State.InFlight, _rate.Lost - sent.State.Lost, sent.State.IsApplicationLimited, now);
                found = true;
            }
            else
            {
                checkAt = Math.Min(checkAt, lostAt);
            }
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
    }

    /// <summary>Marks the first segment as lost; for peers without SACK, after duplicate acknowledgements.</summary>
    public void MarkFirstLost()
    {
        if (Count > 0 && (At(0).Flags & (SentFlags.Lost | SentFlags.Sacked)) == 0)
        {
            MarkLost(ref At(0));
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
        bool reneged = Count > 0 && (At(0).Flags & SentFlags.Sacked) != 0;
        for (int i = 0; i < Count; i++)
        {
            ref Sent sent = ref At(i);
            if (reneged && (sent.Flags & SentFlags.Sacked) != 0)
            {
                sent.Flags &= ~SentFlags.Sacked;
                SackedBytes -= sent.Length;
                SackedSegments--;
            }

            if ((sent.Flags & (SentFlags.Sacked | SentFlags.Lost)) == 0 && (i == 0 || sent.SentAt <= sentBefore))
            {
                MarkLost(ref sent);
            }
        }
    }

    /// <summary>Marks segments longer than this as lost, after the path MTU has fallen.</summary>
    /// <returns>True when there was one.</returns>
    public bool MarkLost(int longerThan)
    {
        int before = LostBytes;
        for (int i = 0; i < Count; i++)
        {
            ref Sent sent = ref At(i);
            if (sent.Length > longerThan && (sent.Flags & (SentFlags.Sacked | SentFlags.Lost)) == 0)
            {
                MarkLost(ref sent);
            }
        }

        return LostBytes > before;
    }

    /// <summary>Splits the entries of segments longer than this, so that each part can be retransmitted as one segment.</summary>
    public void Cut(int length)
    {
        int pieces = 0;
        for (int i = 0; i < Count; i++)
        {
            pieces += Math.Max(1, (At(i).Length + length - 1) / length);
        }

        if (pieces == Count)
        {
            return;
        }

        var cut = new Sent[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, pieces))];
        int at = 0;
        for (int i = 0; i < Count; i++)
        {
            Sent sent = At(i);
            SackedSegments += (sent.Flags & SentFlags.Sacked) != 0 ? (sent.Length - 1) / length : 0;
            for (; sent.Length > length; sent.Start += (uint)length, sent.Length -= length)
            {
                cut[at++] = sent with { Length = length };
            }

            cut[at++] = sent;
        }

        _ring = cut;
        _first = 0;
        Count = pieces;
    }

    /// <summary>Takes the first segment that is marked as lost and counts it as retransmitted now.</summary>
    public bool TryRetransmit(long now, out uint sequence, out int length)
    {
        for (int i = 0; LostBytes > 0 && i < Count; i++)
        {
            ref Sent sent = ref At(i);
            if ((sent.Flags & SentFlags.Lost) != 0)
            {
                bool isFirst = InFlight == 0;
                sent.Flags = (sent.Flags & ~SentFlags.Lost) | SentFlags.Retransmitted;
                sent.SentAt = now;
                LostBytes -= sent.Length;
                sent.State = _rate.OnSent(now, InFlight, isFirst);
                sequence = sent.Start;
                length = sent.Length;
                return true;
            }
        }

        sequence = 0;
        length = 0;
        return false;
    }

    /// <summary>The length of the first lost segment; 0 when there is none.</summary>
    public int FirstLostLength()
    {
        for (int i = 0; LostBytes > 0 && i < Count; i++)
        {
            if ((At(i).Flags & SentFlags.Lost) != 0)
            {
                return At(i).Length;
            }
        }

        return 0;
    }

    /// <summary>Marks the last segment as lost, so that it is retransmitted as a tail loss probe (RFC 8985, 7.3).</summary>
    public bool MarkLastLost()
    {
        if (Count == 0 || (At(Count - 1).Flags & (SentFlags.Sacked | SentFlags.Lost)) != 0)
        {
            return false;
        }

        MarkLost(ref At(Count - 1));
        return true;
    }

    public void Clear()
    {
        _ring = [];
        _first = 0;
        Count = 0;
        Outstanding = 0;
        SackedBytes = 0;
        SackedSegments = 0;
        LostBytes = 0;
    }

    private void MarkLost(ref Sent sent)
    {
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

    private ref Sent At(int index) => ref _ring[(_first + index) & (_ring.Length - 1)];

    // The first segment that begins at or after this number.
    private int IndexOf(uint sequence)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Sequence.IsBefore(At(middle).Start, sequence))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void Grow()
    {
        // Small at first: most of many connections never have more than a request or an answer in flight.
        var larger = new Sent[Math.Max(4, _ring.Length * 2)];
        for (int i = 0; i < Count; i++)
        {
            larger[i] = At(i);
        }

        _ring = larger;
        _first = 0;
    }

    /// <summary>What one acknowledgement reported as newly arrived.</summary>
    public struct Delivery
    {
        public int Bytes;

        /// <summary>Round-trip time of the last of them that was never retransmitted; -1 when there is none.</summary>
        public long RoundTrip;

        public RateSample Rate;
    }

    [Flags]
    private enum SentFlags : byte
    {
        None = 0,
        Sacked = 1,
        Lost = 2,

        /// <summary>Sent more than once, ever.</summary>
        Retransmitted = 4,
    }

    private struct Sent
    {
        public uint Start;
        public int Length;
        public long SentAt;
        public SentFlags Flags;
        public DeliveryRate.SentState State;

        public readonly uint End
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => Start + (uint)Length;
        }
    }
}
