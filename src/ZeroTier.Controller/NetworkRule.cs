using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller;

/// <summary>One entry of a network's rules.</summary>
public readonly record struct NetworkRule
{
    /// <summary>Rules that a network may have: 1024.</summary>
    public const int MaxPerNetwork = RuleTable.MaxRules;

    /// <summary>Rules that a capability may have: 64.</summary>
    public const int MaxPerCapability = RuleTable.MaxCapabilityRules;

    internal NetworkRule(Rule entry) => Entry = entry;

    /// <summary>Action: the frame passes.</summary>
    public static NetworkRule Accept => new(new Rule(RuleType.Accept, IsNegated: false, IsAlternative: false, 0, 0, 0, 0));

    internal Rule Entry { get; }
}
