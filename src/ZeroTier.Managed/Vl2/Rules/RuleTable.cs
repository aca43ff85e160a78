using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>A sequence of rules (docs/protocol/3-vl2.md 3.6.1). Immutable.</summary>
internal sealed class RuleTable
{
    /// <summary>Most rules of a network (3.15).</summary>
    public const int MaxRules = 1024;

    /// <summary>Most rules of a capability.</summary>
    public const int MaxCapabilityRules = 64;

    private RuleTable(ImmutableArray<Rule> rules) => Rules = rules;

    /// <summary>A table without rules, which does not decide: without capabilities every frame is dropped.</summary>
    public static RuleTable Empty { get; } = new([]);

    public ImmutableArray<Rule> Rules { get; }

    /// <summary>Bytes of the table in its signed form.</summary>
    public int EncodedLength => Rules.Sum(r => r.EncodedLength);

    /// <summary>A table of given rules.</summary>
    public static RuleTable Create(ImmutableArray<Rule> rules) => rules.IsEmpty ? Empty : new(rules);

    /// <summary>
    /// Reads entries to the end of the data; those beyond the maximum are ignored (3.4.3). False when an entry is truncated.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> data, int maxRules, [NotNullWhen(true)] out RuleTable? table)
    {
        var rules = ImmutableArray.CreateBuilder<Rule>();
        table = null;
        while (!data.IsEmpty && rules.Count < maxRules)
        {
            if (!Rule.TryRead(ref data, out Rule rule))
            {
                return false;
            }

            rules.Add(rule);
        }

        table = new RuleTable(rules.DrainToImmutable());
        return true;
    }

    /// <summary>Reads a given number of entries and advances the span behind them.</summary>
    public static bool TryReadExactly(ref ReadOnlySpan<byte> data, int count, [NotNullWhen(true)] out RuleTable? table)
    {
        table = null;
        if (count > data.Length / Rule.HeaderLength)
        {
            return false;
        }

        var rules = ImmutableArray.CreateBuilder<Rule>(count);
        for (int i = 0; i < count; i++)
        {
            if (!Rule.TryRead(ref data, out Rule rule))
            {
                return false;
            }

            rules.Add(rule);
        }

        table = new RuleTable(rules.MoveToImmutable());
        return true;
    }

    /// <summary>Writes the table in its signed form.</summary>
    /// <returns><see cref="EncodedLength"/>.</returns>
    public int Write(Span<byte> destination)
    {
        int length = 0;
        foreach (Rule rule in Rules)
        {
            length += rule.Write(destination[length..]);
        }

        return length;
    }
}
