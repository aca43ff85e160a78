using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Rules;

/// <summary>Converts between the controller's rules and the binary table for members (docs/protocol/3-vl2.md 3.6.1).</summary>
internal static class RuleEncoding
{
    /// <summary>Encodes the table for members.</summary>
    /// <exception cref="ArgumentException">There are more rules than members accept: they would ignore the last ones, and so permit what
    /// these forbid.</exception>
    public static RuleTable ToTable(ImmutableArray<NetworkRule> rules, int maxRules) => rules.Length <= maxRules
        ? RuleTable.Create([.. rules.Select(rule => rule.Entry)])
        : throw new ArgumentException(
            $"There are {rules.Length} rules, and members take {maxRules} at most. Join rules by 'or', or move some into capabilities.",
            nameof(rules));

    /// <summary>Decodes the rules of a table; false when it has an entry that a controller cannot represent.</summary>
    public static bool TryFromTable(RuleTable table, [NotNullWhen(true)] out ImmutableArray<NetworkRule>? rules)
    {
        rules = null;
        var read = ImmutableArray.CreateBuilder<NetworkRule>(table.Rules.Length);
        foreach (Rule entry in table.Rules)
        {
            if (!RuleJson.IsKnown(entry.Type))
            {
                return false;
            }

            read.Add(new(Normalize(entry)));
        }

        rules = read.MoveToImmutable();
        return true;
    }

    /// <summary>Clears fields without meaning, so that equivalent rules are equal.</summary>
    public static Rule Normalize(in Rule entry) => entry.Type switch
    {
        RuleType.Tee or RuleType.Watch => entry with { IsNegated = false, IsAlternative = false, First = entry.Node.Value },
        RuleType.Redirect => entry with { IsNegated = false, IsAlternative = false, First = entry.Node.Value, Index = 0 },
        _ when entry.IsAction => entry with { IsNegated = false, IsAlternative = false },
        RuleType.IPv4Source or RuleType.IPv4Destination => entry with { Detail = Math.Min(entry.Detail, (byte)32) },
        RuleType.IPv6Source or RuleType.IPv6Destination => entry with { Detail = Math.Min(entry.Detail, (byte)128) },
        RuleType.Icmp when (entry.Detail & 1) == 0 => entry with { Second = 0, Detail = 0 },
        RuleType.Icmp => entry with { Detail = 1 },

        // 3.6.3: nodes store the upper end as a 32-bit distance from the lower one.
        RuleType.IntegerRange =>
            entry with { Second = entry.First + (uint)(entry.Second - entry.First), Detail = (byte)(entry.Detail & 0xbf) },
        _ => entry,
    };
}
