using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Rules;

/// <summary>Parts of rules that have the same text form in JSON and in the rule language.</summary>
internal static class RuleText
{
    /// <summary>The address of a match by prefix.</summary>
    public static IpAddress Address(in Rule rule) => rule.Type is RuleType.IPv4Source or RuleType.IPv4Destination
        ? IpAddress.FromIPv4((uint)rule.First)
        : IpAddress.FromIPv6(new UInt128(rule.First, rule.Second));
}
