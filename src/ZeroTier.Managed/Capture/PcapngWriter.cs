using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace ZeroTier.Managed.Capture;

/// <summary>
/// Writes the blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian. No block is longer than <see cref="MaxLength"/>.
/// </summary>
internal ref struct PcapngWriter
{
    /// <summary>The length of a statistics block, in bytes.</summary>
    public const int StatisticsLength = 24 + (4 * OptionLength) + 4;

    private const int OptionLength = 12;

    // Block types: draft-ietf-opsawg-pcapng, 4. Option codes: 3.5, and the section of each block type.
    private const uint SectionHeader = 0x0a0d_0d0a;
    private const uint ByteOrderMagic = 0x1a2b_3c4d;
    private const uint InterfaceDescription = 1;
    private const uint InterfaceStatistics = 5;
    private const uint EnhancedPacket = 6;
    private const ushort EndOfOptions = 0;
    private const ushort Comment = 1;
    private const ushort UserApplication = 4;
    private const ushort InterfaceName = 2;
    private const ushort InterfaceText = 3;
    private const ushort InterfaceMac = 6;
    private const ushort TimeResolution = 9;
    private const ushort PacketFlags = 2;
    private const ushort PacketDropCount = 4;
    private const ushort StatisticsStart = 2;
    private const ushort StatisticsEnd = 3;
    private const ushort Received = 4;
    private const ushort Dropped = 5;

    private const ushort Ethernet = 1;
    private const byte Nanoseconds = 9;
    private const int EthernetHeaderLength = 14;

    // The name, which comes from the network's controller, must not flood the tools that show it.
    private const int MaxNameLength = 127;
    private const int MaxCommentLength = 256;

    private readonly Span<byte> _room;

    public PcapngWriter(Span<byte> room) => _room = room;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>The maximum length of a block with a payload of this length, including its options.</summary>
    public static int MaxLength(int payload) => payload + 512;

    /// <summary>Section header block, the first of the file (4.1).</summary>
    public void Section(string application)
    {
        int at = Begin(SectionHeader);
        Put32(ByteOrderMagic);
        Put16(1);
        Put16(0);
        Put64(ulong.MaxValue);
        Text(UserApplication, application, MaxNameLength);
        End(at);
    }

    /// <summary>Interface description block, for a network (4.2).</summary>
    public void Interface(NetworkId network, string name, MacAddress own)
    {
        int at = Begin(InterfaceDescription);
        Put16(Ethernet);
        Put16(0);
        Put32(0);
        Text(InterfaceName, network.ToString(), MaxNameLength);
        if (name.Length > 0)
        {
            Text(InterfaceText, name, MaxNameLength);
        }

        Option(InterfaceMac, MacAddress.Length);
        own.Write(_room[Length..]);
        Length += MacAddress.Length;
        Pad(MacAddress.Length);
        Option(TimeResolution, 1);
        Put([Nanoseconds]);
        Pad(1);
        End(at);
    }

    /// <summary>Enhanced packet block, for a frame (4.3).</summary>
    /// <param name="number">The number of the interface.</param>
    /// <param name="time">Nanoseconds since 1970.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="lost">Frames dropped between the previous one and this one.</param>
    public void Frame(int number, ulong time, in CapturedFrame frame, long lost)
    {
        int at = Begin(EnhancedPacket);
        int length = EthernetHeaderLength + frame.Payload.Length;
        Put32((uint)number);
        Time(time);
        Put32((uint)length);
        Put32((uint)(length + frame.Omitted));
        frame.Destination.Write(_room[Length..]);
        frame.Source.Write(_room[(Length + MacAddress.Length)..]);
        BinaryPrimitives.WriteUInt16BigEndian(_room[(Length + (2 * MacAddress.Length))..], frame.EtherType);
        Length += EthernetHeaderLength;
        Put(frame.Payload);
        Pad(length);
        Option(PacketFlags, sizeof(uint));
        Put32(Flags(frame));
        if (lost > 0)
        {
            Option(PacketDropCount, sizeof(ulong));
            Put64((ulong)lost);
        }

        Describe(frame);
        End(at);
    }

    /// <summary>Interface statistics block, with the counters of a network (4.6).</summary>
    public void Statistics(int number, ulong start, ulong end, long received, long dropped)
    {
        int at = Begin(InterfaceStatistics);
        Put32((uint)number);
        Time(end);
        Option(StatisticsStart, sizeof(ulong));
        Time(start);
        Option(StatisticsEnd, sizeof(ulong));
        Time(end);
        Option(Received, sizeof(ulong));
        Put64((ulong)received);
        Option(Dropped, sizeof(ulong));
        Put64((ulong)dropped);
        End(at);
    }

    /// <summary>The flags epb_flags (4.3.1): direction and reception type.</summary>
    private static uint Flags(in CapturedFrame frame)
    {
        const uint Inbound = 1, Outbound = 2, Unicast = 1 << 2, Multicast = 2 << 2, Broadcast = 3 << 2, Promiscuous = 4 << 2;
        return (frame.IsInbound ? Inbound : Outbound)
            | (frame.Destination == MacAddress.Broadcast ? Broadcast
                : frame.Destination.IsMulticast ? Multicast
                : frame.IsInbound && frame.Destination != frame.Own ? Promiscuous
                : Unicast);
    }

    private void Describe(in CapturedFrame frame)
    {
        Span<byte> text = stackalloc byte[MaxCommentLength];
        int length = 0;
        if (frame.Peer != default && Utf8.TryWrite(text, $"{(frame.IsInbound ? "from" : "to")} node {frame.Peer}", out int written))
        {
            length = written;
        }

        length = Append(text, length, frame.Kind);
        length = Append(text, length, frame.Fate);
        if (length > 0)
        {
            Option(Comment, length);
            Put(text[..length]);
            Pad(length);
        }
    }

    private static int Append(Span<byte> text, int length, ReadOnlySpan<byte> part)
    {
        var separator = length == 0 || part.IsEmpty ? default : "; "u8;
        if (length + separator.Length + part.Length > text.Length)
        {
            return length;
        }

        separator.CopyTo(text[length..]);
        part.CopyTo(text[(length + separator.Length)..]);
        return length + separator.Length + part.Length;
    }

    private int Begin(uint type)
    {
        int at = Length;
        Put32(type);
        Put32(0);
        return at;
    }

    private void End(int at)
    {
        Put16(EndOfOptions);
        Put16(0);
        Put32(0);
        uint length = (uint)(Length - at);
        BinaryPrimitives.WriteUInt32LittleEndian(_room[(at + sizeof(uint))..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(_room[(Length - sizeof(uint))..], length);
    }

    /// <summary>Writes a text, truncated to a maximum length, with control characters, which a terminal could obey, replaced.</summary>
    private void Text(ushort code, string text, int longest)
    {
        Span<byte> bytes = stackalloc byte[longest];
        int length = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var shown = Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) == System.Globalization.UnicodeCategory.Format
                ? Rune.ReplacementChar
                : rune;
            if (!shown.TryEncodeToUtf8(bytes[length..], out int written))
            {
                break;
            }

            length += written;
        }

        Option(code, length);
        Put(bytes[..length]);
        Pad(length);
    }

    private void Option(ushort code, int length)
    {
        Put16(code);
        Put16((ushort)length);
    }

    /// <summary>Writes a timestamp, whose upper 32 bits come first.</summary>
    private void Time(ulong time)
    {
        Put32((uint)(time >> 32));
        Put32((uint)time);
    }

    private void Pad(int length)
    {
        int padding = -length & 3;
        _room.Slice(Length, padding).Clear();
        Length += padding;
    }

    private void Put16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_room[Length..], value);
        Length += sizeof(ushort);
    }

    private void Put32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_room[Length..], value);
        Length += sizeof(uint);
    }

    private void Put64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_room[Length..], value);
        Length += sizeof(ulong);
    }

    private void Put(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_room[Length..]);
        Length += bytes.Length;
    }
}
