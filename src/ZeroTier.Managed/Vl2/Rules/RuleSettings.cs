using System.Collections.Immutable;

namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>Settings of a network that its rules need. Immutable.</summary>
internal sealed class RuleSettings
{
    /// <summary>Matches of unknown types are true (network flag 0x08).</summary>
    public bool UnknownMatches { get; init; }

    /// <summary>
    /// Prefixes of our derived addresses, if NDP emulation is on: IPv6 senders inside count as authenticated (docs/protocol/3-vl2.md
    /// 3.6.3). That the address is the sender's own is checked separately, by <see cref="SourceAddressCheck"/>.
    /// </summary>
    public ImmutableArray<(IpAddress Prefix, int Length)> DerivedPrefixes { get; init; } = [];

    /// <summary>For matches by probability.</summary>
    public required RandomSource Random { get; init; }
}
