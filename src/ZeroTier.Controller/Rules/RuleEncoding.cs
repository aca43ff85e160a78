using System.Collections.Immutable;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Rules;

/// <summary>Between the rules that a controller keeps and the table that members get (docs/protocol/3-vl2.md 3.6.1).</summary>
internal static class RuleEncoding
{
    /// <summary>The table for members.</summary>
    /// <exception cref="ArgumentException">More rules than members would take.</exception>
    public static RuleTable ToTable(ImmutableArray<NetworkRule> rules, int maxRules)
    {
        byte[] bytes = new byte[rules.Sum(r => r.Entry.EncodedLength)];
        int length = 0;
        foreach (NetworkRule rule in rules)
        {
            length += rule.Entry.Write(bytes.AsSpan(length));
        }

        return rules.Length <= maxRules && RuleTable.TryRead(bytes, maxRules, out RuleTable? table)
            ? table
            : throw new ArgumentException($"There are {rules.Length} rules, and members take {maxRules} at most.", nameof(rules));
    }
}
