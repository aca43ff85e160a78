using System.Collections.Immutable;

namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>What the tests of a network's rules need to know about the network. Immutable.</summary>
internal sealed class RuleSettings
{
    /// <summary>A match that this version does not know holds (network flag 0x08).</summary>
    public bool UnknownMatches { get; init; }

    /// <summary>
    /// Prefixes of derived addresses of ours: with NDP emulation on, IPv6 senders inside count as authenticated (docs/protocol/3-vl2.md
    /// 3.6.3). That the sender's own part is right is asked elsewhere, before the rules.
    /// </summary>
    public ImmutableArray<(IpAddress Prefix, int Length)> DerivedPrefixes { get; init; } = [];

    /// <summary>For the match by chance.</summary>
    public required RandomSource Random { get; init; }
}
