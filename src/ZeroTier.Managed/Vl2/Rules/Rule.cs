using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// A decoded entry of a rule table (docs/protocol/3-vl2.md 3.6.1). The meaning of the fields depends on the type; see ReadFields.
/// </summary>
/// <param name="Type">The action or match; entries of unknown types are kept, without fields.</param>
/// <param name="IsNegated">The result of the match is inverted.</param>
/// <param name="IsAlternative">The match is combined with those before it by OR instead of AND.</param>
/// <param name="First">The first number of the entry.</param>
/// <param name="Second">The second number.</param>
/// <param name="Index">The length of a copy, or the offset of an integer in the frame.</param>
/// <param name="Detail">A prefix length, mask, flags, or the format of an integer.</param>
internal readonly record struct Rule(
    RuleType Type, bool IsNegated, bool IsAlternative, ulong First, ulong Second, ushort Index, byte Detail)
{
    /// <summary>Type and length.</summary>
    public const int HeaderLength = 2;

    private const byte NotFlag = 0x80;
    private const byte OrFlag = 0x40;
    private const byte TypeMask = 0x3f;
    private const byte FirstMatch = 16;

    public bool IsAction => (byte)Type < FirstMatch;

    /// <summary>Bytes of the entry in its signed form, in which entries of unknown types have no fields (3.5.4).</summary>
    public int EncodedLength => HeaderLength + FieldLength(Type);

    /// <summary>The node of a copy or redirection, or of a match by node.</summary>
    public NodeId Node => new(First & 0xff_ffff_ffff);

    /// <summary>
    /// Reads an entry and advances the span behind it. Fields are read at fixed offsets, whatever length the entry states; the next entry
    /// begins at the stated end.
    /// </summary>
    public static bool TryRead(ref ReadOnlySpan<byte> data, out Rule rule)
    {
        rule = default;
        if (data.Length < HeaderLength)
        {
            return false;
        }

        var type = (RuleType)(data[0] & TypeMask);
        int stated = data[1];
        ReadOnlySpan<byte> f = data[HeaderLength..];
        if (f.Length < Math.Max(stated, FieldLength(type)))
        {
            return false;
        }

        rule = ReadFields(type, f) with { IsNegated = (data[0] & NotFlag) != 0, IsAlternative = (data[0] & OrFlag) != 0 };
        data = f[stated..];
        return true;
    }

    /// <summary>Writes the entry in its signed form.</summary>
    /// <returns><see cref="EncodedLength"/>.</returns>
    public int Write(Span<byte> destination)
    {
        int length = FieldLength(Type);
        destination[0] = (byte)((byte)Type | (IsNegated ? NotFlag : 0) | (IsAlternative ? OrFlag : 0));
        destination[1] = (byte)length;
        WriteFields(destination.Slice(HeaderLength, length));
        return HeaderLength + length;
    }

    private static int FieldLength(RuleType type) => type switch
    {
        RuleType.Tee or RuleType.Watch or RuleType.Redirect => 14,
        RuleType.SourceNode or RuleType.DestinationNode or RuleType.IPv4Source or RuleType.IPv4Destination => 5,
        RuleType.VlanId or RuleType.EtherType => 2,
        RuleType.VlanPriority or RuleType.VlanDropEligible or RuleType.Protocol => 1,
        RuleType.SourceMac or RuleType.DestinationMac => MacAddress.Length,
        RuleType.IPv6Source or RuleType.IPv6Destination => 17,
        RuleType.TypeOfService or RuleType.Icmp => 3,
        RuleType.SourcePorts or RuleType.DestinationPorts or RuleType.FrameSize or RuleType.Random => 4,
        RuleType.Characteristics or (>= RuleType.TagsDifference and <= RuleType.ReceiverTag) => 8,
        RuleType.IntegerRange => 19,
        _ => 0,
    };

    private static Rule ReadFields(RuleType type, ReadOnlySpan<byte> f) => type switch
    {
        RuleType.Tee or RuleType.Watch or RuleType.Redirect => Of(
            type,
            BinaryPrimitives.ReadUInt64BigEndian(f),
            BinaryPrimitives.ReadUInt32BigEndian(f[8..]),
            BinaryPrimitives.ReadUInt16BigEndian(f[12..])),
        RuleType.SourceNode or RuleType.DestinationNode => Of(type, NodeId.Read(f).Value),
        RuleType.VlanId or RuleType.EtherType => Of(type, BinaryPrimitives.ReadUInt16BigEndian(f)),
        RuleType.VlanPriority or RuleType.VlanDropEligible or RuleType.Protocol => Of(type, f[0]),
        RuleType.SourceMac or RuleType.DestinationMac => Of(type, MacAddress.Read(f).Value),
        RuleType.IPv4Source or RuleType.IPv4Destination => Of(type, BinaryPrimitives.ReadUInt32BigEndian(f), detail: f[4]),
        RuleType.IPv6Source or RuleType.IPv6Destination =>
            Of(type, BinaryPrimitives.ReadUInt64BigEndian(f), BinaryPrimitives.ReadUInt64BigEndian(f[8..]), detail: f[16]),
        RuleType.TypeOfService => Of(type, f[1], f[2], detail: f[0]),
        RuleType.Icmp => Of(type, f[0], f[1], detail: f[2]),
        RuleType.SourcePorts or RuleType.DestinationPorts or RuleType.FrameSize =>
            Of(type, BinaryPrimitives.ReadUInt16BigEndian(f), BinaryPrimitives.ReadUInt16BigEndian(f[2..])),
        RuleType.Random => Of(type, BinaryPrimitives.ReadUInt32BigEndian(f)),
        RuleType.Characteristics => Of(type, BinaryPrimitives.ReadUInt64BigEndian(f)),
        >= RuleType.TagsDifference and <= RuleType.ReceiverTag =>
            Of(type, BinaryPrimitives.ReadUInt32BigEndian(f), BinaryPrimitives.ReadUInt32BigEndian(f[4..])),
        RuleType.IntegerRange => ReadIntegerRange(f),
        _ => Of(type),
    };

    // 3.6.3: other nodes store the difference of the limits in 32 bits, and all nodes of a network must come to the same result.
    private static Rule ReadIntegerRange(ReadOnlySpan<byte> f)
    {
        ulong low = BinaryPrimitives.ReadUInt64BigEndian(f);
        ulong distance = (uint)(BinaryPrimitives.ReadUInt64BigEndian(f[8..]) - low);
        return Of(RuleType.IntegerRange, low, low + distance, BinaryPrimitives.ReadUInt16BigEndian(f[16..]), f[18]);
    }

    private static Rule Of(RuleType type, ulong first = 0, ulong second = 0, ushort index = 0, byte detail = 0) =>
        new(type, IsNegated: false, IsAlternative: false, first, second, index, detail);

    private void WriteFields(Span<byte> f)
    {
        switch (Type)
        {
            case RuleType.Tee or RuleType.Watch or RuleType.Redirect:
                BinaryPrimitives.WriteUInt64BigEndian(f, First);
                BinaryPrimitives.WriteUInt32BigEndian(f[8..], (uint)Second);
                BinaryPrimitives.WriteUInt16BigEndian(f[12..], Index);
                break;
            case RuleType.SourceNode or RuleType.DestinationNode:
                Node.Write(f);
                break;
            case RuleType.VlanId or RuleType.EtherType:
                BinaryPrimitives.WriteUInt16BigEndian(f, (ushort)First);
                break;
            case RuleType.VlanPriority or RuleType.VlanDropEligible or RuleType.Protocol:
                f[0] = (byte)First;
                break;
            case RuleType.SourceMac or RuleType.DestinationMac:
                new MacAddress(First).Write(f);
                break;
            case RuleType.IPv4Source or RuleType.IPv4Destination:
                BinaryPrimitives.WriteUInt32BigEndian(f, (uint)First);
                f[4] = Detail;
                break;
            case RuleType.IPv6Source or RuleType.IPv6Destination:
                BinaryPrimitives.WriteUInt64BigEndian(f, First);
                BinaryPrimitives.WriteUInt64BigEndian(f[8..], Second);
                f[16] = Detail;
                break;
            case RuleType.TypeOfService:
                (f[0], f[1], f[2]) = (Detail, (byte)First, (byte)Second);
                break;
            case RuleType.Icmp:
                (f[0], f[1], f[2]) = ((byte)First, (byte)Second, Detail);
                break;
            case RuleType.SourcePorts or RuleType.DestinationPorts or RuleType.FrameSize:
                BinaryPrimitives.WriteUInt16BigEndian(f, (ushort)First);
                BinaryPrimitives.WriteUInt16BigEndian(f[2..], (ushort)Second);
                break;
            case RuleType.Random:
                BinaryPrimitives.WriteUInt32BigEndian(f, (uint)First);
                break;
            case RuleType.Characteristics:
                BinaryPrimitives.WriteUInt64BigEndian(f, First);
                break;
            case >= RuleType.TagsDifference and <= RuleType.ReceiverTag:
                BinaryPrimitives.WriteUInt32BigEndian(f, (uint)First);
                BinaryPrimitives.WriteUInt32BigEndian(f[4..], (uint)Second);
                break;
            case RuleType.IntegerRange:
                BinaryPrimitives.WriteUInt64BigEndian(f, First);
                BinaryPrimitives.WriteUInt64BigEndian(f[8..], Second);
                BinaryPrimitives.WriteUInt16BigEndian(f[16..], Index);
                f[18] = Detail;
                break;
        }
    }
}
