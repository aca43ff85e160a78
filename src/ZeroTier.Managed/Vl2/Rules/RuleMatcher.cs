using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>Evaluates the matches of docs/protocol/3-vl2.md 3.6.3.</summary>
/// <remarks>The frame is passed by reference to every method: it is too large to be copied for each evaluation.</remarks>
internal readonly struct RuleMatcher(RuleSettings settings)
{
    private const byte IcmpCodeCounts = 0x01;
    private const byte LittleEndianFormat = 0x80;

    /// <summary>Whether a match is true, before negation.</summary>
    /// <param name="rule">The match.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="headers">Its headers.</param>
    /// <param name="isObserver">An earlier rule would have sent the frame or a copy to us, had its matches been true.</param>
    public bool Holds(in Rule rule, in FrameContext frame, in FrameHeaders headers, bool isObserver) => rule.Type switch
    {
        RuleType.SourceNode => frame.Source == rule.Node,
        RuleType.DestinationNode => frame.Destination == rule.Node,
        RuleType.VlanId => rule.First == frame.VlanId,
        RuleType.VlanPriority or RuleType.VlanDropEligible => rule.First == 0,
        RuleType.SourceMac => frame.SourceMac.Value == rule.First,
        RuleType.DestinationMac => frame.DestinationMac.Value == rule.First,
        RuleType.IPv4Source => headers.IsIPv4 && IsInIPv4Prefix(rule, frame.Frame[12..]),
        RuleType.IPv4Destination => headers.IsIPv4 && IsInIPv4Prefix(rule, frame.Frame[16..]),
        RuleType.IPv6Source => headers.IsIPv6 && IsInIPv6Prefix(rule, frame.Frame[8..]),
        RuleType.IPv6Destination => headers.IsIPv6 && IsInIPv6Prefix(rule, frame.Frame[24..]),
        RuleType.TypeOfService => headers.TypeOfService is >= 0 and var service && IsWithin(rule, (uint)service & rule.Detail),
        RuleType.Protocol => headers.Protocol == (int)rule.First,
        RuleType.EtherType => frame.EtherType == rule.First,
        RuleType.Icmp =>
            headers.TryGetIcmp(out byte type, out byte code)
            && type == rule.First
            && ((rule.Detail & IcmpCodeCounts) == 0 || code == rule.Second),
        RuleType.SourcePorts => headers.TryGetPort(destination: false, out int port) && IsWithin(rule, (uint)port),
        RuleType.DestinationPorts => headers.TryGetPort(destination: true, out int port) && IsWithin(rule, (uint)port),
        RuleType.Characteristics => (Characteristics(rule.First, frame, headers) & rule.First) != 0,
        RuleType.FrameSize => IsWithin(rule, (uint)frame.Frame.Length),
        RuleType.Random => (uint)settings.Random.NextUInt64() <= rule.First,
        >= RuleType.TagsDifference and <= RuleType.TagsEqual => CompareTags(rule, frame, isObserver),
        RuleType.SenderTag or RuleType.ReceiverTag => HasTag(rule, frame, isObserver),
        RuleType.IntegerRange => IsWithin(rule, ReadInteger(frame.Frame, rule.Index, rule.Detail)),
        _ => settings.UnknownMatches,
    };

    private static bool IsWithin(in Rule rule, ulong value) => value >= rule.First && value <= rule.Second;

    private static bool IsInIPv4Prefix(in Rule rule, ReadOnlySpan<byte> address)
    {
        int shift = 32 - Math.Min((int)rule.Detail, 32);
        return ((BinaryPrimitives.ReadUInt32BigEndian(address) ^ rule.First) & uint.MaxValue) >> shift == 0;
    }

    // The rule's address is not masked: if it has bits set behind the prefix, the rule never matches (3.18).
    private static bool IsInIPv6Prefix(in Rule rule, ReadOnlySpan<byte> address)
    {
        int length = Math.Min((int)rule.Detail, 128);
        UInt128 mask = length == 0 ? 0 : UInt128.MaxValue << (128 - length);
        return (BinaryPrimitives.ReadUInt128BigEndian(address) & mask) == new UInt128(rule.First, rule.Second);
    }

    // Credentials are looked up only if the rule needs them.
    private ulong Characteristics(ulong wanted, in FrameContext frame, in FrameHeaders headers)
    {
        ulong bits = headers.TcpFlags();
        bits |= frame.IsInbound ? FrameCharacteristics.Inbound : 0;
        bits |= frame.DestinationMac.IsMulticast ? FrameCharacteristics.Multicast : 0;
        bits |= frame.DestinationMac == MacAddress.Broadcast ? FrameCharacteristics.Broadcast : 0;
        IMemberCredentials? sender = frame.IsInbound ? frame.Remote : frame.Own;
        if ((wanted & FrameCharacteristics.SenderMacAuthenticated) != 0 && sender is not null && sender.Owns(frame.SourceMac))
        {
            bits |= FrameCharacteristics.SenderMacAuthenticated;
        }

        if ((wanted & FrameCharacteristics.SenderIpAuthenticated) != 0 && IsSenderIpAuthenticated(sender, frame, headers))
        {
            bits |= FrameCharacteristics.SenderIpAuthenticated;
        }

        return bits;
    }

    private bool IsSenderIpAuthenticated(IMemberCredentials? sender, in FrameContext frame, in FrameHeaders headers)
    {
        if (!headers.TryGetSender(out IpAddress address, out bool needsProof))
        {
            return false;
        }

        if (!needsProof || (sender is not null && sender.Owns(address)))
        {
            return true;
        }

        if (frame.IsInbound)
        {
            foreach (var (prefix, length) in settings.DerivedPrefixes)
            {
                if (address.IsInPrefix(prefix, length))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool CompareTags(in Rule rule, in FrameContext frame, bool isObserver)
    {
        if (!frame.Own.TryGetTag((uint)rule.First, out uint ours))
        {
            return false;
        }

        // Without the other member's tag: true for a sender, which may not have received it yet, and for an observer; false for a receiver.
        if (frame.Remote is null || !frame.Remote.TryGetTag((uint)rule.First, out uint theirs))
        {
            return !frame.IsInbound || isObserver;
        }

        return rule.Type switch
        {
            RuleType.TagsDifference => Math.Max(ours, theirs) - Math.Min(ours, theirs) <= rule.Second,
            RuleType.TagsAnd => (ours & theirs) == rule.Second,
            RuleType.TagsOr => (ours | theirs) == rule.Second,
            RuleType.TagsXor => (ours ^ theirs) == rule.Second,
            _ => ours == rule.Second && theirs == rule.Second,
        };
    }

    private static bool HasTag(in Rule rule, in FrameContext frame, bool isObserver)
    {
        if (isObserver)
        {
            return true;
        }

        bool isSenders = rule.Type == RuleType.SenderTag;
        uint value;
        if (isSenders == frame.IsInbound)
        {
            return frame.Remote is not null && frame.Remote.TryGetTag((uint)rule.First, out value) ? value == rule.Second : !isSenders;
        }

        return frame.Own.TryGetTag((uint)rule.First, out value) && value == rule.Second;
    }

    private static ulong ReadInteger(ReadOnlySpan<byte> frame, int index, byte format)
    {
        int bits = (format & 63) + 1;
        int bytes = (bits + 7) / 8;
        bool littleEndian = (format & LittleEndianFormat) != 0;
        int start = littleEndian ? index : index + 8 - bytes;
        if (start + bytes > frame.Length)
        {
            return 0;
        }

        ReadOnlySpan<byte> source = frame.Slice(start, bytes);
        Span<byte> number = stackalloc byte[8];
        number.Clear();
        source.CopyTo(number[(8 - bytes)..]);
        if (littleEndian)
        {
            // The bytes were copied to the upper end, so as a little-endian number they must be shifted down.
            return BinaryPrimitives.ReadUInt64LittleEndian(number) >> (64 - bits);
        }

        return BinaryPrimitives.ReadUInt64BigEndian(number) & ulong.MaxValue >> (64 - bits);
    }
}

/// <summary>Bits of the match by characteristics; the lowest bits are the TCP flags.</summary>
internal static class FrameCharacteristics
{
    public const ulong Inbound = 1UL << 63;
    public const ulong Multicast = 1UL << 62;
    public const ulong Broadcast = 1UL << 61;
    public const ulong SenderIpAuthenticated = 1UL << 60;
    public const ulong SenderMacAuthenticated = 1UL << 59;
}
