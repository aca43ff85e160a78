using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json.Serialization;
using ZeroTier.Controller.Rules;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller;

/// <summary>
/// One entry of a network's rules: an action, or a match that is a condition of the next action. Members apply a network's rules in order
/// to each frame that they send or receive. If no action decides, the sender's capabilities are evaluated; if these do not accept the frame
/// either, it is dropped.
/// </summary>
/// <remarks>
/// Matches before an action are combined from left to right: by AND, or by OR if <see cref="IsAlternative"/> is set. The JSON form is that
/// of ZeroTierOne's controller, the text form that of <see cref="RuleLanguage"/>. Immutable and thread-safe. The default value is
/// <see cref="Drop"/>.
/// </remarks>
[JsonConverter(typeof(NetworkRuleJsonConverter))]
public readonly record struct NetworkRule
{
    /// <summary>The maximum number of rules of a network: 1024.</summary>
    public const int MaxPerNetwork = RuleTable.MaxRules;

    /// <summary>The maximum number of rules of a capability: 64.</summary>
    public const int MaxPerCapability = RuleTable.MaxCapabilityRules;

    internal NetworkRule(Rule entry) => Entry = entry;

    internal NetworkRule(RuleType type, ulong first = 0, ulong second = 0, ushort index = 0, byte detail = 0)
        : this(new Rule(type, IsNegated: false, IsAlternative: false, first, second, index, detail))
    {
    }

    /// <summary>Action: the frame is dropped. In a capability: the capability does not permit it.</summary>
    public static NetworkRule Drop => default;

    /// <summary>Action: the frame is accepted.</summary>
    public static NetworkRule Accept => new(RuleType.Accept);

    /// <summary>Action: ends the evaluation of these rules; the capabilities decide.</summary>
    public static NetworkRule Break => new(RuleType.Break);

    /// <summary>True for actions, false for matches.</summary>
    public bool IsAction => Entry.IsAction;

    /// <summary>Whether the match's result is inverted.</summary>
    public bool IsNegated => Entry.IsNegated;

    /// <summary>
    /// Whether the match is combined with those before it by OR. On the first match of a set, the whole set always matches.
    /// </summary>
    public bool IsAlternative => Entry.IsAlternative;

    /// <summary>The entry of the binary rule table.</summary>
    internal Rule Entry { get; }

    /// <summary>Action: sends a copy of the frame to a member, and continues with the next rule.</summary>
    /// <param name="observer">The member that gets the copy.</param>
    /// <param name="length">The maximum number of bytes of the frame to copy; 0 for all.</param>
    public static NetworkRule Tee(NodeId observer, ushort length = 0) => new(RuleType.Tee, observer.Value, index: length);

    /// <summary>Action: like <see cref="Tee"/>, with the copy marked as "watch".</summary>
    /// <param name="observer">The member that gets the copy.</param>
    /// <param name="length">The maximum number of bytes of the frame to copy; 0 for all.</param>
    public static NetworkRule Watch(NodeId observer, ushort length = 0) => new(RuleType.Watch, observer.Value, index: length);

    /// <summary>Action: sends the frame to another member instead.</summary>
    public static NetworkRule Redirect(NodeId receiver) => new(RuleType.Redirect, receiver.Value);

    /// <summary>Match: the sending member.</summary>
    public static NetworkRule SourceNode(NodeId node) => new(RuleType.SourceNode, node.Value);

    /// <summary>Match: the receiving member.</summary>
    public static NetworkRule DestinationNode(NodeId node) => new(RuleType.DestinationNode, node.Value);

    /// <summary>Match: the VLAN ID, which is 0 in all frames of current nodes.</summary>
    public static NetworkRule VlanId(ushort id) => new(RuleType.VlanId, id);

    /// <summary>Match: the VLAN priority, which is 0 in all frames of current nodes.</summary>
    public static NetworkRule VlanPriority(byte priority) => new(RuleType.VlanPriority, priority);

    /// <summary>Match: the VLAN's drop eligible indicator, which is 0 in all frames of current nodes.</summary>
    public static NetworkRule VlanDropEligible(byte value) => new(RuleType.VlanDropEligible, value);

    /// <summary>Match: the source MAC address.</summary>
    /// <exception cref="ArgumentException">The address does not have six bytes.</exception>
    public static NetworkRule SourceMac(PhysicalAddress address) => new(RuleType.SourceMac, Mac(address));

    /// <summary>Match: the destination MAC address.</summary>
    /// <exception cref="ArgumentException">The address does not have six bytes.</exception>
    public static NetworkRule DestinationMac(PhysicalAddress address) => new(RuleType.DestinationMac, Mac(address));

    /// <summary>Match: the source IP address is in this prefix. IPv6 prefixes with host bits set never match.</summary>
    /// <param name="address">An IPv4 or IPv6 address.</param>
    /// <param name="prefixLength">0 to 32 for IPv4, 0 to 128 for IPv6.</param>
    public static NetworkRule SourceAddress(IPAddress address, int prefixLength) =>
        Prefix(RuleType.IPv4Source, RuleType.IPv6Source, address, prefixLength);

    /// <summary>Match: the destination IP address is in this prefix. IPv6 prefixes with host bits set never match.</summary>
    /// <param name="address">An IPv4 or IPv6 address.</param>
    /// <param name="prefixLength">0 to 32 for IPv4, 0 to 128 for IPv6.</param>
    public static NetworkRule DestinationAddress(IPAddress address, int prefixLength) =>
        Prefix(RuleType.IPv4Destination, RuleType.IPv6Destination, address, prefixLength);

    /// <summary>Match: the type of service (IPv4) or traffic class (IPv6), after applying the mask, is in a range.</summary>
    public static NetworkRule TypeOfService(byte mask, byte first, byte last) => new(RuleType.TypeOfService, first, last, detail: mask);

    /// <summary>Match: the IP protocol number, for example 6 for TCP.</summary>
    public static NetworkRule IPProtocol(byte protocol) => new(RuleType.Protocol, protocol);

    /// <summary>Match: the EtherType, for example 0x0800 for IPv4.</summary>
    public static NetworkRule EtherType(ushort type) => new(RuleType.EtherType, type);

    /// <summary>Match: the type and code of an ICMP or ICMPv6 message.</summary>
    /// <param name="type">The type.</param>
    /// <param name="code">The code; null for any.</param>
    public static NetworkRule Icmp(byte type, byte? code = null) =>
        new(RuleType.Icmp, type, code ?? 0, detail: (byte)(code is null ? 0 : 1));

    /// <summary>Match: the source port (TCP, UDP, SCTP, UDP-Lite) is in a range.</summary>
    public static NetworkRule SourcePorts(ushort first, ushort last) => new(RuleType.SourcePorts, first, last);

    /// <summary>Match: the destination port (TCP, UDP, SCTP, UDP-Lite) is in a range.</summary>
    public static NetworkRule DestinationPorts(ushort first, ushort last) => new(RuleType.DestinationPorts, first, last);

    /// <summary>Match: the frame has at least one of these characteristics.</summary>
    public static NetworkRule Characteristics(FrameCharacteristics any) => new(RuleType.Characteristics, (ulong)any);

    /// <summary>Match: the length of the frame in bytes, without its Ethernet header, is in a range.</summary>
    public static NetworkRule FrameSize(ushort first, ushort last) => new(RuleType.FrameSize, first, last);

    /// <summary>Match: at random. Sender and receiver decide independently.</summary>
    /// <param name="probability">The probability as a fraction of 2^32 - 1.</param>
    public static NetworkRule Random(uint probability) => new(RuleType.Random, probability);

    /// <summary>Match: the tags of sender and receiver differ by at most this.</summary>
    public static NetworkRule TagsDifference(uint id, uint most) => new(RuleType.TagsDifference, id, most);

    /// <summary>Match: the bitwise AND of sender's and receiver's tag is this value.</summary>
    public static NetworkRule TagsAnd(uint id, uint value) => new(RuleType.TagsAnd, id, value);

    /// <summary>Match: the bitwise OR of sender's and receiver's tag is this value.</summary>
    public static NetworkRule TagsOr(uint id, uint value) => new(RuleType.TagsOr, id, value);

    /// <summary>Match: the bitwise XOR of sender's and receiver's tag is this value.</summary>
    public static NetworkRule TagsXor(uint id, uint value) => new(RuleType.TagsXor, id, value);

    /// <summary>Match: sender's and receiver's tag both have this value.</summary>
    public static NetworkRule TagsEqual(uint id, uint value) => new(RuleType.TagsEqual, id, value);

    /// <summary>Match: the tag of the sender has this value.</summary>
    public static NetworkRule SenderTag(uint id, uint value) => new(RuleType.SenderTag, id, value);

    /// <summary>Match: the tag of the receiver has this value.</summary>
    public static NetworkRule ReceiverTag(uint id, uint value) => new(RuleType.ReceiverTag, id, value);

    /// <summary>Match: an integer in the frame is in a range. Supported by ZeroTierOne's nodes, but not by its controller.</summary>
    /// <param name="low">The lowest value.</param>
    /// <param name="high">The highest value, at most 2^32 - 1 above <paramref name="low"/>.</param>
    /// <param name="index">The offset of the integer in the frame in bytes, after the Ethernet header.</param>
    /// <param name="bits">The size of the integer in bits, 1 to 64.</param>
    /// <param name="isLittleEndian">Whether the byte order is little-endian.</param>
    public static NetworkRule IntegerRange(ulong low, ulong high, ushort index, int bits, bool isLittleEndian)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(high, low);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(high - low, uint.MaxValue, nameof(high));
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 64);
        return new(RuleType.IntegerRange, low, high, index, (byte)((bits - 1) | (isLittleEndian ? 0x80 : 0)));
    }

    /// <summary>This match with its result inverted.</summary>
    /// <exception cref="InvalidOperationException">This is an action.</exception>
    public NetworkRule Not() => IsAction ? throw new InvalidOperationException("Only matches can be negated, and this is an action.")
        : new(Entry with { IsNegated = !IsNegated });

    /// <summary>This match, combined with those before it by OR.</summary>
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

    /// <summary>Creates a match by prefix; the type must fit the address family.</summary>
    internal static NetworkRule Prefix(RuleType type, in IpAddress address, int prefixLength) => address.IsIPv4
        ? new(type, (ulong)address.Value, detail: (byte)prefixLength)
        : new(type, (ulong)(address.Value >> 64), (ulong)address.Value, detail: (byte)prefixLength);
}
