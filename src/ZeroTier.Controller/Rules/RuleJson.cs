using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using ZeroTier.Controller.Json;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Rules;

/// <summary>
/// Rules as ZeroTierOne's controller reads and writes them in JSON (docs/protocol/5-http-api.md 5.6): values of other types are converted
/// (5.3), numbers that are too large are truncated, keys are written in byte order.
/// </summary>
/// <remarks>ZeroTierOne defines a form for the integer range but rejects it; here it is accepted.</remarks>
internal static class RuleJson
{
    private static readonly FrozenDictionary<string, RuleType> Types = new Dictionary<string, RuleType>
    {
        ["ACTION_DROP"] = RuleType.Drop,
        ["ACTION_ACCEPT"] = RuleType.Accept,
        ["ACTION_TEE"] = RuleType.Tee,
        ["ACTION_WATCH"] = RuleType.Watch,
        ["ACTION_REDIRECT"] = RuleType.Redirect,
        ["ACTION_BREAK"] = RuleType.Break,
        ["MATCH_SOURCE_ZEROTIER_ADDRESS"] = RuleType.SourceNode,
        ["MATCH_DEST_ZEROTIER_ADDRESS"] = RuleType.DestinationNode,
        ["MATCH_VLAN_ID"] = RuleType.VlanId,
        ["MATCH_VLAN_PCP"] = RuleType.VlanPriority,
        ["MATCH_VLAN_DEI"] = RuleType.VlanDropEligible,
        ["MATCH_MAC_SOURCE"] = RuleType.SourceMac,
        ["MATCH_MAC_DEST"] = RuleType.DestinationMac,
        ["MATCH_IPV4_SOURCE"] = RuleType.IPv4Source,
        ["MATCH_IPV4_DEST"] = RuleType.IPv4Destination,
        ["MATCH_IPV6_SOURCE"] = RuleType.IPv6Source,
        ["MATCH_IPV6_DEST"] = RuleType.IPv6Destination,
        ["MATCH_IP_TOS"] = RuleType.TypeOfService,
        ["MATCH_IP_PROTOCOL"] = RuleType.Protocol,
        ["MATCH_ETHERTYPE"] = RuleType.EtherType,
        ["MATCH_ICMP"] = RuleType.Icmp,
        ["MATCH_IP_SOURCE_PORT_RANGE"] = RuleType.SourcePorts,
        ["MATCH_IP_DEST_PORT_RANGE"] = RuleType.DestinationPorts,
        ["MATCH_CHARACTERISTICS"] = RuleType.Characteristics,
        ["MATCH_FRAME_SIZE_RANGE"] = RuleType.FrameSize,
        ["MATCH_RANDOM"] = RuleType.Random,
        ["MATCH_TAGS_DIFFERENCE"] = RuleType.TagsDifference,
        ["MATCH_TAGS_BITWISE_AND"] = RuleType.TagsAnd,
        ["MATCH_TAGS_BITWISE_OR"] = RuleType.TagsOr,
        ["MATCH_TAGS_BITWISE_XOR"] = RuleType.TagsXor,
        ["MATCH_TAGS_EQUAL"] = RuleType.TagsEqual,
        ["MATCH_TAG_SENDER"] = RuleType.SenderTag,
        ["MATCH_TAG_RECEIVER"] = RuleType.ReceiverTag,
        ["INTEGER_RANGE"] = RuleType.IntegerRange,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<RuleType, string> Names = Types.ToFrozenDictionary(type => type.Value, type => type.Key);

    /// <summary>Whether rules of the type have a JSON form.</summary>
    public static bool IsKnown(RuleType type) => Names.ContainsKey(type);

    /// <summary>Reads one rule; false when it is not an object, or its type is unknown.</summary>
    /// <exception cref="JsonException">The mask of characteristics is neither a number nor a text, so the meaning of the rule is
    /// unknown.</exception>
    public static bool TryRead(JsonElement element, out NetworkRule rule)
    {
        rule = default;
        if (element.Member("type") is not { ValueKind: JsonValueKind.String } name || !Types.TryGetValue(name.ToText(), out RuleType type))
        {
            return false;
        }

        Rule entry = ReadFields(element, type) with { IsNegated = element.Boolean("not"), IsAlternative = element.Boolean("or") };
        rule = new(RuleEncoding.Normalize(entry));
        return true;
    }

    /// <summary>Writes one rule.</summary>
    public static void Write(Utf8JsonWriter json, NetworkRule rule)
    {
        json.WriteStartObject();
        WriteFieldsBeforeType(json, rule.Entry);
        json.WriteString("type", Names[rule.Entry.Type]);
        WriteFieldsBehindType(json, rule.Entry);
        json.WriteEndObject();
    }

    private static Rule ReadFields(JsonElement json, RuleType type)
    {
        switch (type)
        {
            case RuleType.Tee or RuleType.Watch or RuleType.Redirect:
                return Entry(type, ReadNode(json, "address"), (uint)json.Integer("flags"), (ushort)json.Integer("length"));
            case RuleType.SourceNode or RuleType.DestinationNode:
                return Entry(type, ReadNode(json, "zt"));
            case RuleType.VlanId:
                return Entry(type, (ushort)json.Integer("vlanId"));
            case RuleType.VlanPriority:
                return Entry(type, (byte)json.Integer("vlanPcp"));
            case RuleType.VlanDropEligible:
                return Entry(type, (byte)json.Integer("vlanDei"));
            case RuleType.SourceMac or RuleType.DestinationMac:
                return Entry(type, AddressText.ReadMac(json.Text("mac")).Value);
            case RuleType.IPv4Source or RuleType.IPv4Destination or RuleType.IPv6Source or RuleType.IPv6Destination:
                return ReadPrefix(json, type);
            case RuleType.TypeOfService:
                return Entry(type, (byte)json.Integer("start"), (byte)json.Integer("end"), detail: (byte)json.Integer("mask"));
            case RuleType.Protocol:
                return Entry(type, (byte)json.Integer("ipProtocol"));
            case RuleType.EtherType:
                return Entry(type, (ushort)json.Integer("etherType"));
            case RuleType.Icmp:
                bool hasCode = json.Member("icmpCode") is { ValueKind: not JsonValueKind.Null };
                return Entry(type, (byte)json.Integer("icmpType"), (byte)json.Integer("icmpCode"), detail: (byte)(hasCode ? 1 : 0));
            case RuleType.SourcePorts or RuleType.DestinationPorts or RuleType.FrameSize:
                ulong start = json.Integer("start");
                return Entry(type, (ushort)start, (ushort)json.Integer("end", start));
            case RuleType.Characteristics:
                return Entry(type, ReadMask(json));
            case RuleType.Random:
                return Entry(type, (uint)json.Integer("probability"));
            case >= RuleType.TagsDifference and <= RuleType.ReceiverTag:
                return Entry(type, (uint)json.Integer("id"), (uint)json.Integer("value"));
            case RuleType.IntegerRange:
                int bits = (int)(json.Integer("bits") - 1) & 63;
                byte format = (byte)(bits | (json.Boolean("little") ? 0x80 : 0));
                return Entry(type, ReadNumberOrHex(json, "start"), ReadNumberOrHex(json, "end"), (ushort)json.Integer("idx"), format);
            default:
                return Entry(type);
        }
    }

    private static Rule Entry(RuleType type, ulong first = 0, ulong second = 0, ushort index = 0, byte detail = 0) =>
        new(type, IsNegated: false, IsAlternative: false, first, second, index, detail);

    private static ulong ReadNode(JsonElement json, string key) => LenientJson.Hexadecimal(json.Text(key)) & 0xff_ffff_ffff;

    private static Rule ReadPrefix(JsonElement json, RuleType type)
    {
        bool isIPv4 = type is RuleType.IPv4Source or RuleType.IPv4Destination;
        AddressText.TryReadPrefix(json.Text("ip"), out IpAddress address, out ushort bits);
        if (address.IsIPv4 != isIPv4)
        {
            address = isIPv4 ? IpAddress.FromIPv4(0) : IpAddress.FromIPv6(0);
        }

        return NetworkRule.Prefix(type, address, Math.Min((int)bits, address.BitLength)).Entry;
    }

    private static ulong ReadMask(JsonElement json) => json.Member("mask") switch
    {
        null or { ValueKind: JsonValueKind.Number or JsonValueKind.String } => ReadNumberOrHex(json, "mask"),
        _ => throw new JsonException(
            "The mask of MATCH_CHARACTERISTICS must be a number or a text of hexadecimal digits, for example \"0000000000000002\"."),
    };

    private static ulong ReadNumberOrHex(JsonElement json, string key) =>
        json.Member(key) is { ValueKind: JsonValueKind.String } text ? LenientJson.Hexadecimal(text.ToText()) : json.Integer(key);

    private static void WriteFieldsBeforeType(Utf8JsonWriter json, Rule rule)
    {
        switch (rule.Type)
        {
            case RuleType.Tee or RuleType.Watch or RuleType.Redirect:
                json.WriteString("address", rule.Node.ToString());
                json.WriteNumber("flags", rule.Second);
                if (rule.Type != RuleType.Redirect)
                {
                    json.WriteNumber("length", rule.Index);
                }

                break;
            case RuleType.SourceMac or RuleType.DestinationMac:
                json.WriteString("mac", new MacAddress(rule.First).ToString());
                break;
            case RuleType.IPv4Source or RuleType.IPv4Destination or RuleType.IPv6Source or RuleType.IPv6Destination:
                json.WriteString("ip", $"{RuleText.Address(rule)}/{rule.Detail}");
                break;
            case RuleType.TypeOfService:
                json.WriteNumber("end", rule.Second);
                json.WriteNumber("mask", rule.Detail);
                break;
            case RuleType.Protocol:
                json.WriteNumber("ipProtocol", rule.First);
                break;
            case RuleType.EtherType:
                json.WriteNumber("etherType", rule.First);
                break;
            case RuleType.Icmp:
                if (rule.Detail == 0)
                {
                    json.WriteNull("icmpCode");
                }
                else
                {
                    json.WriteNumber("icmpCode", rule.Second);
                }

                json.WriteNumber("icmpType", rule.First);
                break;
            case RuleType.SourcePorts or RuleType.DestinationPorts or RuleType.FrameSize:
                json.WriteNumber("end", rule.Second);
                break;
            case RuleType.Characteristics:
                json.WriteString("mask", Hex16(rule.First));
                break;
            case >= RuleType.TagsDifference and <= RuleType.ReceiverTag:
                json.WriteNumber("id", rule.First);
                break;
            case RuleType.IntegerRange:
                json.WriteNumber("bits", (rule.Detail & 63) + 1);
                json.WriteString("end", Hex16(rule.Second));
                json.WriteNumber("idx", rule.Index);
                json.WriteBoolean("little", (rule.Detail & 0x80) != 0);
                break;
        }

        if (!rule.IsAction)
        {
            json.WriteBoolean("not", rule.IsNegated);
            json.WriteBoolean("or", rule.IsAlternative);
        }

        switch (rule.Type)
        {
            case RuleType.TypeOfService or RuleType.SourcePorts or RuleType.DestinationPorts or RuleType.FrameSize:
                json.WriteNumber("start", rule.First);
                break;
            case RuleType.IntegerRange:
                json.WriteString("start", Hex16(rule.First));
                break;
            case RuleType.Random:
                json.WriteNumber("probability", rule.First);
                break;
        }
    }

    private static void WriteFieldsBehindType(Utf8JsonWriter json, Rule rule)
    {
        switch (rule.Type)
        {
            case RuleType.SourceNode or RuleType.DestinationNode:
                json.WriteString("zt", rule.Node.ToString());
                break;
            case RuleType.VlanId:
                json.WriteNumber("vlanId", rule.First);
                break;
            case RuleType.VlanPriority:
                json.WriteNumber("vlanPcp", rule.First);
                break;
            case RuleType.VlanDropEligible:
                json.WriteNumber("vlanDei", rule.First);
                break;
            case >= RuleType.TagsDifference and <= RuleType.ReceiverTag:
                json.WriteNumber("value", rule.Second);
                break;
        }
    }

    private static string Hex16(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}
