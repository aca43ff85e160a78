namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Handshakes without state (RFC 4987, 3.6): what a SYN asked for travels in the sequence number and the timestamp of the answer, and comes
/// back with the acknowledgement. Thread-safe.
/// </summary>
/// <remarks>
/// <code>
/// sequence number   time in units of 64 s, 5 bits | segment size, 3 bits | hash of the connection, the peer's number
///                   and the 8 bits before, 24 bits
/// timestamp         the clock without its last 5 bits | selective acknowledgements, 1 bit | window scale (15: none), 4 bits
/// </code>
/// A peer without timestamps gets a connection without selective acknowledgements and window scale. One SYN has one sequence number within
/// a unit of time: a listener that has state again answers its repetition with the same.
/// </remarks>
internal sealed class SynCookies(RandomSource random)
{
    /// <summary>An answer may be acknowledged for at least one unit of time and at most two.</summary>
    public const long Lifetime = 2 * Unit;

    private const long Unit = 64 * TimeSpan.TicksPerSecond;
    private const int HashBits = 24;
    private const int SizeBits = 3;
    private const uint TimeMask = 31;
    private const uint OptionsMask = 31;
    private const uint SackBit = 16;
    private const uint NoScale = 15;

    // Rounded down to one of these. The usual ones are not rounded: no option, the smallest IPv6 link, and what one datagram of VL1 carries
    // of IPv6 and IPv4.
    private static readonly int[] _sizes =
    [
        TcpConnection.MinSegmentSize, 256, TcpConnection.DefaultSegmentSize, 1220, 1300, 1334, 1354, 1440,
    ];

    private readonly KeyedHash _hash = new(random);

    /// <summary>The sequence number of the answer to a SYN.</summary>
    public uint Sequence(in ConnectionKey key, in TcpSegment syn, long now)
    {
        int asked = syn.MaximumSegmentSize >= TcpConnection.MinSegmentSize ? syn.MaximumSegmentSize : TcpConnection.DefaultSegmentSize;
        int size = _sizes.Length - 1;
        while (_sizes[size] > asked)
        {
            size--;
        }

        return Seal(key, syn.Sequence, TimeOf(now) << SizeBits | (uint)size);
    }

    /// <summary>The answer to a SYN of which nothing is kept.</summary>
    public OutgoingSegment Answer(in ConnectionKey key, in TcpSegment syn, TcpSocketOptions options, in TcpConnectionSetup setup, long now)
    {
        bool timestamps = syn.HasTimestamps && options.Timestamps;
        bool sack = timestamps && syn.SackPermitted && options.SelectiveAck;
        bool scaling = timestamps && syn.WindowScale >= 0;
        uint clock = setup.TimestampOffset + (uint)(now / TimeSpan.TicksPerMillisecond);
        uint stamp = clock & ~OptionsMask | (sack ? SackBit : 0) | (scaling ? (uint)syn.WindowScale : NoScale);
        return new OutgoingSegment
        {
            SourcePort = key.LocalPort,
            DestinationPort = key.RemotePort,
            Flags = TcpFlags.Syn | TcpFlags.Ack,
            Sequence = Sequence(key, syn, now),
            Acknowledgement = syn.Sequence + 1,
            Window = (ushort)Math.Min(options.ReceiveWindow, ushort.MaxValue),
            MaximumSegmentSize = (ushort)TcpConnection.LocalSegmentSize(setup),
            WindowScale = scaling ? ReceiveWindow.ScaleFor(Math.Max(options.ReceiveWindow, options.MaxReceiveWindow)) : -1,
            SackPermitted = sack,
            HasTimestamps = timestamps,

            // Never ahead of the clock, or later segments would carry older timestamps.
            TimestampValue = (int)(stamp - clock) > 0 ? stamp - (OptionsMask + 1) : stamp,
            TimestampEcho = timestamps ? syn.TimestampValue : 0,
        };
    }

    /// <summary>Restores the SYN from the segment that acknowledges the answer.</summary>
    /// <returns>False when it acknowledges no answer of ours, or is not the peer's first segment.</returns>
    public bool TryRestore(in ConnectionKey key, in TcpSegment segment, long now, out TcpSegment syn)
    {
        syn = default;
        uint cookie = segment.Acknowledgement - 1;
        uint open = cookie >> HashBits;
        uint age = (TimeOf(now) - (open >> SizeBits)) & TimeMask;
        if (age > 1 || Seal(key, segment.Sequence - 1, open) != cookie)
        {
            return false;
        }

        uint options = segment.HasTimestamps ? segment.TimestampEcho & OptionsMask : NoScale;
        syn = new TcpSegment
        {
            SourcePort = segment.SourcePort,
            DestinationPort = segment.DestinationPort,
            Flags = TcpFlags.Syn,
            Sequence = segment.Sequence - 1,
            Window = segment.Window,
            MaximumSegmentSize = (ushort)_sizes[open & ((1 << SizeBits) - 1)],
            WindowScale = (options & NoScale) == NoScale ? -1 : (int)(options & NoScale),
            SackPermitted = (options & SackBit) != 0,
            HasTimestamps = segment.HasTimestamps,
            TimestampValue = segment.TimestampValue,
        };
        return true;
    }

    private static uint TimeOf(long now) => (uint)(now / Unit) & TimeMask;

    private uint Seal(in ConnectionKey key, uint peerSequence, uint open) =>
        open << HashBits | _hash.Compute(key, (ulong)peerSequence << 8 | open) & ((1u << HashBits) - 1);
}
