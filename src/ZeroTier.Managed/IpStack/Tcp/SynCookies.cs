namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// SYN cookies, handshakes without state (RFC 4987, 3.6): the options of a SYN are encoded in the sequence number and the timestamp of the
/// SYN-ACK, and restored from the acknowledgement. Thread-safe.
/// </summary>
/// <remarks>
/// <code>
/// sequence number   time in units of 64 s, 5 bits | MSS index, 3 bits | hash of the connection, the peer's sequence number
///                   and the 8 bits before, 24 bits
/// timestamp         the clock without its last 5 bits | SACK permitted, 1 bit | window scale (15: none), 4 bits
/// </code>
/// With a peer that does not use timestamps, the connection has neither SACK nor window scaling. Within a unit of time the cookie of a SYN
/// is always the same: a listener that keeps state again answers a retransmitted SYN with the same sequence number.
/// </remarks>
internal sealed class SynCookies(RandomSource random)
{
    /// <summary>Longest validity of a cookie in ticks: between one and two units, depending on when in a unit it was made.</summary>
    public const long Lifetime = 2 * Unit;

    private const long Unit = 64 * TimeSpan.TicksPerSecond;
    private const int HashBits = 24;
    private const int SizeBits = 3;
    private const uint TimeMask = 31;
    private const uint OptionsMask = 31;
    private const uint SackBit = 16;
    private const uint NoScale = 15;

    // The peer's MSS is rounded down to one of these. The common values are exact: no option, IPv6's minimum MTU, and what one VL1 datagram
    // carries over IPv6 and over IPv4.
    private static readonly int[] _sizes =
    [
        TcpConnection.MinSegmentSize, 256, TcpConnection.DefaultSegmentSize, 1220, 1300, 1334, 1354, 1440,
    ];

    private readonly KeyedHash _hash = new(random);

    /// <summary>The initial sequence number of the SYN-ACK: the cookie.</summary>
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

    /// <summary>The SYN-ACK for a SYN of which no state is kept.</summary>
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

            // Never ahead of the clock, since timestamps of later segments must not be lower.
            TimestampValue = (int)(stamp - clock) > 0 ? stamp - (OptionsMask + 1) : stamp,
            TimestampEcho = timestamps ? syn.TimestampValue : 0,
        };
    }

    /// <summary>Restores the SYN from the segment that acknowledges the SYN-ACK.</summary>
    /// <returns>False when it does not carry a valid cookie, or is not the peer's first segment after the SYN.</returns>
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
