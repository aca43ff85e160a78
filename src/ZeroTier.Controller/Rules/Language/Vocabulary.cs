using System.Collections.Frozen;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Rules.Language;

/// <summary>The words of the rule language (docs/protocol/5-http-api.md 5.9.5).</summary>
internal static class Vocabulary
{
    /// <summary>The matches. Those by IP address map to the IPv4 types; IPv6 has types of its own.</summary>
    public static readonly FrozenDictionary<string, RuleType> Matches = new Dictionary<string, RuleType>
    {
        ["ztsrc"] = RuleType.SourceNode,
        ["ztdest"] = RuleType.DestinationNode,
        ["vlan"] = RuleType.VlanId,
        ["vlanpcp"] = RuleType.VlanPriority,
        ["vlandei"] = RuleType.VlanDropEligible,
        ["ethertype"] = RuleType.EtherType,
        ["macsrc"] = RuleType.SourceMac,
        ["macdest"] = RuleType.DestinationMac,
        ["ipsrc"] = RuleType.IPv4Source,
        ["ipdest"] = RuleType.IPv4Destination,
        ["iptos"] = RuleType.TypeOfService,
        ["ipprotocol"] = RuleType.Protocol,
        ["icmp"] = RuleType.Icmp,
        ["sport"] = RuleType.SourcePorts,
        ["dport"] = RuleType.DestinationPorts,
        ["chr"] = RuleType.Characteristics,
        ["framesize"] = RuleType.FrameSize,
        ["random"] = RuleType.Random,
        ["tdiff"] = RuleType.TagsDifference,
        ["tand"] = RuleType.TagsAnd,
        ["tor"] = RuleType.TagsOr,
        ["txor"] = RuleType.TagsXor,
        ["teq"] = RuleType.TagsEqual,
        ["tseq"] = RuleType.SenderTag,
        ["treq"] = RuleType.ReceiverTag,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static readonly FrozenDictionary<RuleType, string> MatchWords = new Dictionary<RuleType, string>(
        Matches.Select(match => KeyValuePair.Create(match.Value, match.Key)))
    {
        [RuleType.IPv6Source] = "ipsrc",
        [RuleType.IPv6Destination] = "ipdest",
    }.ToFrozenDictionary();

    public static readonly FrozenDictionary<string, ulong> EtherTypes = new Dictionary<string, ulong>
    {
        ["ipv4"] = 0x0800,
        ["arp"] = 0x0806,
        ["wol"] = 0x0842,
        ["rarp"] = 0x8035,
        ["ipv6"] = 0x86dd,
        ["atalk"] = 0x809b,
        ["aarp"] = 0x80f3,
        ["ipx_a"] = 0x8137,
        ["ipx_b"] = 0x8138,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static readonly FrozenDictionary<string, ulong> Protocols = new Dictionary<string, ulong>
    {
        ["icmp4"] = 1,
        ["icmpv4"] = 1,
        ["igmp"] = 2,
        ["ipip"] = 4,
        ["tcp"] = 6,
        ["egp"] = 8,
        ["igp"] = 9,
        ["udp"] = 17,
        ["rdp"] = 27,
        ["esp"] = 50,
        ["ah"] = 51,
        ["icmp6"] = 58,
        ["icmpv6"] = 58,
        ["l2tp"] = 115,
        ["sctp"] = 132,
        ["udplite"] = 136,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The bit of each characteristic.</summary>
    public static readonly FrozenDictionary<string, ulong> Characteristics = new Dictionary<string, ulong>
    {
        ["tcp_fin"] = 1UL << 0,
        ["tcp_syn"] = 1UL << 1,
        ["tcp_rst"] = 1UL << 2,
        ["tcp_psh"] = 1UL << 3,
        ["tcp_ack"] = 1UL << 4,
        ["tcp_urg"] = 1UL << 5,
        ["tcp_ece"] = 1UL << 6,
        ["tcp_cwr"] = 1UL << 7,
        ["tcp_ns"] = 1UL << 8,
        ["tcp_rs2"] = 1UL << 9,
        ["tcp_rs1"] = 1UL << 10,
        ["tcp_rs0"] = 1UL << 11,
        ["macauth"] = 1UL << 59,
        ["ipauth"] = 1UL << 60,
        ["broadcast"] = 1UL << 61,
        ["multicast"] = 1UL << 62,
        ["inbound"] = 1UL << 63,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Openers =
        FrozenSet.Create(StringComparer.Ordinal, "macro", "tag", "cap", "drop", "accept", "tee", "watch", "redirect", "break", "priority");

    private static readonly FrozenSet<string> Reserved = new HashSet<string>(
        [
            .. Openers,
            .. Matches.Keys,
            "default",
            "type",
            "enum",
            "class",
            "define",
            "import",
            "include",
            "log",
            "not",
            "xor",
            "or",
            "and",
            "set",
            "var",
            "let",
        ])
        .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Whether the word opens a block; only words in lower case do.</summary>
    public static bool OpensBlock(string word) => Openers.Contains(word);

    /// <summary>Whether the word cannot be a name or an argument.</summary>
    public static bool IsReserved(string word) => Reserved.Contains(word);

    /// <summary>Whether a word in lower case is a valid name of a macro, tag or capability.</summary>
    public static bool IsName(ReadOnlySpan<char> word)
    {
        if (word.IsEmpty || char.IsDigit(word[0]))
        {
            return false;
        }

        foreach (char c in word)
        {
            if (!char.IsLetterOrDigit(c) && c != '_')
            {
                return false;
            }
        }

        return true;
    }
}
