using System.Runtime.CompilerServices;
using ZeroTier.Managed.IpStack.Tcp.Congestion;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// The segments that were sent and are not yet cumulatively acknowledged: the sender's side of RFC 2018 and the pipe of RFC 6675. Loss is
/// detected by time of sending, as in RACK (RFC 8985), which also finds lost retransmissions and tolerates reordering. Guarded by the
/// connection's lock.
/// </summary>
internal sealed partial class SackScoreboard
{
    private Sent[] _ring = [];
    private DeliveryRate _rate;
    private int _first;

    // No segment before this index is marked as lost.
    private int _firstLost;

    // The latest blocks, which peers repeat and extend, so that what they have reported is not looked at each time.
    private SackBlocks _known;
    private int _nextKnown;

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
        Link(Count - 1);
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
                if ((sent.Flags & SentFlags.Lost) == 0)
                {
                    Unlink(0);
                }
            }

            _first = (_first + 1) & (_ring.Length - 1);
            _firstLost = Math.Max(0, _firstLost - 1);
            Count--;
        }

        if (SackedSegments == 0)
        {
            // Sequence numbers return.
            _known = default;
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

        for (int i = FirstNewIn(block); i < Count; i++)
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
                else
                {
                    Unlink(i);
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
        _firstLost = 0;
        _known = default;
        Count = pieces;
        LinkAll();
    }

    /// <summary>Takes the first segment that is marked as lost and counts it as retransmitted now.</summary>
    public bool TryRetransmit(long now, out uint sequence, out int length)
    {
        if (FirstLostLength() == 0)
        {
            sequence = 0;
            length = 0;
            return false;
        }

        ref Sent sent = ref At(_firstLost);
        bool isFirst = InFlight == 0;
        sent.Flags = (sent.Flags & ~SentFlags.Lost) | SentFlags.Retransmitted;
        sent.SentAt = now;
        LostBytes -= sent.Length;
        sent.State = _rate.OnSent(now, InFlight, isFirst);
        sequence = sent.Start;
        length = sent.Length;
        Link(_firstLost);
        return true;
    }

    /// <summary>The length of the first lost segment; 0 when there is none.</summary>
    public int FirstLostLength()
    {
        if (LostBytes == 0)
        {
            return 0;
        }

        while ((At(_firstLost).Flags & SentFlags.Lost) == 0)
        {
            _firstLost++;
        }

        return At(_firstLost).Length;
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
        _firstLost = 0;
        _known = default;
        (_oldest, _newest) = (None, None);
    }

    private ref Sent At(int index) => ref _ring[(_first + index) & (_ring.Length - 1)];

    // The first segment of a block that its last repetition cannot have contained.
    private int FirstNewIn(SackBlock block)
    {
        foreach (ref SackBlock known in (Span<SackBlock>)_known)
        {
            if (known.Start == block.Start && known.End != known.Start)
            {
                // The segment before may reach beyond the end of what was known.
                int first = Math.Max(IndexOf(block.Start), IndexOf(Sequence.Min(known.End, block.End)) - 1);
                known = block;
                return first;
            }
        }

        _known[_nextKnown] = block;
        _nextKnown = (_nextKnown + 1) % SackBlocks.Capacity;
        return IndexOf(block.Start);
    }

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
            larger[i] = At(i) with { Earlier = IndexAt(At(i).Earlier), Later = IndexAt(At(i).Later) };
        }

        (_oldest, _newest) = (IndexAt(_oldest), IndexAt(_newest));
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

        // Neighbours in the order of sending, as places in the ring.
        public int Earlier;
        public int Later;

        public readonly uint End
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => Start + (uint)Length;
        }
    }
}
