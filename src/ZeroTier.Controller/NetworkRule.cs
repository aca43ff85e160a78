using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json.Serialization;
using ZeroTier.Controller.Rules;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller;

/// <summary>
/// One entry of a network's rules: an action, or a match that the next action depends on. Members apply a network's rules to each frame
/// that they send or receive, from the first to the last; where no action decides, the capabilities of the sender do, and then the frame is
/// dropped.
/// </summary>
/// <remarks>
/// Matches in front of an action are joined from left to right: by AND, or by OR where <see cref="IsAlternative"/> is set. The JSON form is
/// that of ZeroTierOne's controller, the text form that of <see cref="RuleLanguage"/>. Immutable and thread-safe. The default value is
/// <see cref="Drop"/>.
/// </remarks>
[JsonConverter(typeof(NetworkRuleJsonConverter))]
public readonly record struct NetworkRule
{
    /// <summary>Rules that a network may have: 1024.</summary>
    public const int MaxPerNetwork = RuleTable.MaxRules;

    /// <summary>Rules that a capability may have: 64.</summary>
    public const int MaxPerCapability = RuleTable.MaxCapabilityRules;

    internal NetworkRule(Rule entry) => Entry = entry;

    internal NetworkRule(RuleType type, ulong first = 0, ulong second = 0, ushort index = 0, byte detail = 0)
        : this(new Rule(type, IsNegated: false, IsAlternative: false, first, second, index, detail))
    {
    }

    /// <summary>Action: the frame is dropped. In a capability: the capability does not permit it.</summary>
    public static NetworkRule Drop => default;

    /// <summary>Action: the frame passes.</summary>
    public static NetworkRule Accept => new(RuleType.Accept);

    /// <summary>Action: the rules end here, and capabilities decide.</summary>
    public static NetworkRule Break => new(RuleType.Break);

    /// <summary>True for actions, false for matches.</summary>
    public bool IsAction => Entry.IsAction;

    /// <summary>The match holds where it otherwise would not.</summary>
    public bool IsNegated => Entry.IsNegated;

    /// <summary>The match is joined to those before it by OR. On the first of a set it makes the whole set hold.</summary>
    public bool IsAlternative => Entry.IsAlternative;

    /// <summary>The entry of the binary table.</summary>
    internal Rule Entry { get; }

    /// <summary>Action: a member gets a copy of the frame, and the next rule is asked.</summary>
    /// <param name="observer">Who gets the copy.</param>
    /// <param name="length">Bytes of the frame that are copied at most; 0 for all.</param>
    public static NetworkRule Tee(NodeId observer, ushort length = 0) => new(RuleType.Tee, observer.Value, index: length);

    /// <summary>Action: like <see cref="Tee"/>, marked as watched.</summary>
    /// <param name="observer">Who gets the copy.</param>
    /// <param name="length">Bytes of the frame that are copied at most; 0 for all.</param>
    public static NetworkRule Watch(NodeId observer, ushort length = 0) => new(RuleType.Watch, observer.Value, index: length);

    /// <summary>Action: the frame goes to another member instead.</summary>
    public static NetworkRule Redirect(NodeId receiver) => new(RuleType.Redirect, receiver.Value);

    /// <summary>Match: the member that sends.</summary>
    public static NetworkRule SourceNode(NodeId node) => new(RuleType.SourceNode, node.Value);

    /// <summary>Match: the member that receives.</summary>
    public static NetworkRule DestinationNode(NodeId node) => new(RuleType.DestinationNode, node.Value);

    /// <summary>Match: the VLAN, which is 0 for all frames of today's nodes.</summary>
    public static NetworkRule VlanId(ushort id) => new(RuleType.VlanId, id);

    /// <summary>Match: the VLAN priority, which is 0 for all frames of today's nodes.</summary>
    public static NetworkRule VlanPriority(byte priority) => new(RuleType.VlanPriority, priority);

    /// <summary>Match: the VLAN's drop eligible bit, which is 0 for all frames of today's nodes.</summary>
    public static NetworkRule VlanDropEligible(byte value) => new(RuleType.VlanDropEligible, value);

    /// <summary>Match: the Ethernet address of the sender.</summary>
    /// <exception cref="ArgumentException">The address has not six bytes.</exception>
    public static NetworkRule SourceMac(PhysicalAddress address) => new(RuleType.SourceMac, Mac(address));

    /// <summary>Match: the Ethernet address of the receiver.</summary>
    /// <exception cref="ArgumentException">The address has not six bytes.</exception>
    public static NetworkRule DestinationMac(PhysicalAddress address) => new(RuleType.DestinationMac, Mac(address));

    /// <summary>Match: the IP address of the sender begins with these bits. IPv6 prefixes with further bits set never match.</summary>
    /// <param name="address">An IPv4 or IPv6 address.</param>
    /// <param name="prefixLength">0 to 32, or to 128 for IPv6.</param>
    public static NetworkRule SourceAddress(IPAddress address, int prefixLength) =>
        Prefix(RuleType.IPv4Source, RuleType.IPv6Source, address, prefixLength);

    /// <summary>Match: the IP address of the receiver begins with these bits. IPv6 prefixes with further bits set never match.</summary>
    /// <param name="address">An IPv4 or IPv6 address.</param>
    /// <param name="prefixLength">0 to 32, or to 128 for IPv6.</param>
    public static NetworkRule DestinationAddress(IPAddress address, int prefixLength) =>
        Prefix(RuleType.IPv4Destination, RuleType.IPv6Destination, address, prefixLength);

    /// <summary>Match: the type of service of IPv4, or traffic class of IPv6, of which the bits in the mask lie in a range.</summary>
    public static NetworkRule TypeOfService(byte mask, byte first, byte last) => new(RuleType.TypeOfService, first, last, detail: mask);

    /// <summary>Match: the protocol above IP, for example 6 for TCP.</summary>
    public static NetworkRule IPProtocol(byte protocol) => new(RuleType.Protocol, protocol);

    /// <summary>Match: the Ethernet type, for example 0x0800 for IPv4.</summary>
    public static NetworkRule EtherType(ushort type) => new(RuleType.EtherType, type);

    /// <summary>Match: the type of an ICMP or ICMPv6 message, and its code.</summary>
    /// <param name="type">The type.</param>
    /// <param name="code">The code; null for any.</param>
    public static NetworkRule Icmp(byte type, byte? code = null) =>
        new(RuleType.Icmp, type, code ?? 0, detail: (byte)(code is null ? 0 : 1));

    /// <summary>Match: the port of the sender (TCP, UDP, SCTP, UDP-Lite) is in a range.</summary>
    public static NetworkRule SourcePorts(ushort first, ushort last) => new(RuleType.SourcePorts, first, last);

    /// <summary>Match: the port of the receiver (TCP, UDP, SCTP, UDP-Lite) is in a range.</summary>
    public static NetworkRule DestinationPorts(ushort first, ushort last) => new(RuleType.DestinationPorts, first, last);

    /// <summary>Match: the frame has at least one of these characteristics.</summary>
    public static NetworkRule Characteristics(FrameCharacteristics any) => new(RuleType.Characteristics, (ulong)any);

    /// <summary>Match: bytes in the frame, without its Ethernet header.</summary>
    public static NetworkRule FrameSize(ushort first, ushort last) => new(RuleType.FrameSize, first, last);

    /// <summary>Match: by chance. Each side of a connection decides for itself.</summary>
    /// <param name="probability">How many of 2^32 - 1 frames match.</param>
    public static NetworkRule Random(uint probability) => new(RuleType.Random, probability);

    /// <summary>Match: the tags of sender and receiver differ by at most this.</summary>
    public static NetworkRule TagsDifference(uint id, uint most) => new(RuleType.TagsDifference, id, most);

    /// <summary>Match: the bits that both tags have are these.</summary>
    public static NetworkRule TagsAnd(uint id, uint value) => new(RuleType.TagsAnd, id, value);

    /// <summary>Match: the bits that at least one of both tags has are these.</summary>
    public static NetworkRule TagsOr(uint id, uint value) => new(RuleType.TagsOr, id, value);

    /// <summary>Match: the bits that one of both tags has are these.</summary>
    public static NetworkRule TagsXor(uint id, uint value) => new(RuleType.TagsXor, id, value);

    /// <summary>Match: both tags have this value.</summary>
    public static NetworkRule TagsEqual(uint id, uint value) => new(RuleType.TagsEqual, id, value);

    /// <summary>Match: the tag of the sender has this value.</summary>
    public static NetworkRule SenderTag(uint id, uint value) => new(RuleType.SenderTag, id, value);

    /// <summary>Match: the tag of the receiver has this value.</summary>
    public static NetworkRule ReceiverTag(uint id, uint value) => new(RuleType.ReceiverTag, id, value);

    /// <summary>Match: an integer in the frame is in a range. ZeroTierOne's controller does not know it, its nodes do.</summary>
    /// <param name="low">The lowest value.</param>
    /// <param name="high">The highest value, at most 2^32 - 1 above <paramref name="low"/>.</param>
    /// <param name="index">Where the integer begins in the frame, behind the Ethernet header.</param>
    /// <param name="bits">1 to 64.</param>
    /// <param name="isLittleEndian">The lowest byte comes first.</param>
    public static NetworkRule IntegerRange(ulong low, ulong high, ushort index, int bits, bool isLittleEndian)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(high, low);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(high - low, uint.MaxValue, nameof(high));
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 64);
        return new(RuleType.IntegerRange, low, high, index, (byte)((bits - 1) | (isLittleEndian ? 0x80 : 0)));
    }

    /// <summary>The match with its result inverted.</summary>
    /// <exception cref="InvalidOperationException">This is an action.</exception>
    public NetworkRule Not() => IsAction ? throw new InvalidOperationException("Only matches can be negated, and this is an action.")
        : new(Entry with { IsNegated = !IsNegated });

    /// <summary>The match, joined to those before it by OR.</summary>
    /// <exception cref="InvalidOperationException">This is an action.</exception>
    public NetworkRule Or() => IsAction ? throw new InvalidOperationException("Only matches can be alternatives, and this is an action.")
        : new(Entry with { IsAlternative = true });

    private static ulong Mac(PhysicalAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        byte[] bytes = address.GetAddressBytes();
        return bytes.Length == MacAddress.Length ? MacAddress.Read(bytes).Value
            : throw new ArgumentException(
                $"An Ethernet address has {MacAddress.Length} bytes, this one has {bytes.Length}.", nameof(address));
    }

    private static NetworkRule Prefix(RuleType ipv4, RuleType ipv6, IPAddress address, int prefixLength)
    {
        ArgumentNullException.ThrowIfNull(address);
        bool isIPv4 = address.AddressFamily == AddressFamily.InterNetwork;
        ArgumentOutOfRangeException.ThrowIfNegative(prefixLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixLength, isIPv4 ? 32 : 128);
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return Prefix(isIPv4 ? ipv4 : ipv6, isIPv4 ? IpAddress.ReadIPv4(bytes) : IpAddress.ReadIPv6(bytes), prefixLength);
    }

    /// <summary>A match by prefix, of a type that fits the address.</summary>
    internal static NetworkRule Prefix(RuleType type, in IpAddress address, int prefixLength) => address.IsIPv4
        ? new(type, (ulong)address.Value, detail: (byte)prefixLength)
        : new(type, (ulong)(address.Value >> 64), (ulong)address.Value, detail: (byte)prefixLength);
}
