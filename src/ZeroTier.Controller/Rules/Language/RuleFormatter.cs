using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Rules.Language;

/// <summary>Formats rules as a text that compiles to the same rules.</summary>
internal sealed class RuleFormatter(RuleProgram program)
{
    private readonly StringBuilder _text = new();
    private readonly Dictionary<uint, KeyValuePair<string, NamedTag>> _tags = program.TagsByName.ToDictionary(tag => tag.Value.Id);

    public string Format()
    {
        foreach (NetworkTag tag in program.Tags)
        {
            WriteTag(tag);
        }

        var names = program.CapabilitiesByName.ToDictionary(capability => capability.Value, capability => capability.Key);
        foreach (NetworkCapability capability in program.Capabilities)
        {
            string name = names.TryGetValue(capability.Id, out string? given)
                ? given
                : Unused($"cap_{capability.Id}", program.CapabilitiesByName.ContainsKey);
            _text.Append(CultureInfo.InvariantCulture, $"cap {name}\n  id {capability.Id}\n{(capability.IsDefault ? "  default\n" : "")}");
            WriteRules(capability.Rules, isBase: false);
            _text.Append(";\n\n");
        }

        WriteRules(program.Rules, isBase: true);
        return _text.ToString();
    }

    private void WriteTag(NetworkTag tag)
    {
        string name = _tags.TryGetValue(tag.Id, out var known) ? known.Key : Unused($"tag_{tag.Id}", program.TagsByName.ContainsKey);
        _text.Append(CultureInfo.InvariantCulture, $"tag {name}\n  id {tag.Id}\n");
        foreach ((string value, uint number) in known.Value?.Enums ?? ImmutableDictionary<string, uint>.Empty)
        {
            _text.Append(CultureInfo.InvariantCulture, $"  enum {number} {value}\n");
        }

        foreach ((string flag, uint bits) in known.Value?.Flags ?? ImmutableDictionary<string, uint>.Empty)
        {
            _text.Append(CultureInfo.InvariantCulture, $"  flag {string.Join(',', Bits(bits))} {flag}\n");
        }

        _text.Append(tag.Default is { } initial ? $"  default {Value(known.Value, initial)}\n" : "").Append(";\n\n");
    }

    private void WriteRules(ImmutableArray<NetworkRule> rules, bool isBase)
    {
        var matches = new List<string>();
        for (int i = 0; i < rules.Length; i++)
        {
            if (!rules[i].IsAction)
            {
                matches.Add(Match(rules[i].Entry, isFirst: matches.Count == 0));
                continue;
            }

            WriteStatement(Action(rules[i].Entry), matches, isBase, isLast: i == rules.Length - 1);
            matches.Clear();
        }

        if (matches.Count > 0)
        {
            throw new NotSupportedException(
                $"The last rules are matches without an action, which has no form in the rule language: {string.Join(' ', matches)}.");
        }
    }

    private void WriteStatement(string action, List<string> matches, bool isBase, bool isLast)
    {
        string indent = isBase ? "" : "  ";
        if (matches.Count > 2)
        {
            _text.Append(indent).Append(action).Append('\n');
            _text.AppendJoin('\n', matches.Select(match => $"{indent}  {match}")).Append('\n').Append(indent).Append(";\n");
        }
        else if (matches.Count > 0 || action.Contains(' '))
        {
            _text.Append(indent).AppendJoin(' ', [action, .. matches]).Append(";\n");
        }
        else
        {
            // After an action without matches, a semicolon closes the action only if that is in capitals; in a capability it would close
            // the capability (5.9.2).
            _text.Append(indent).Append(isBase && isLast ? action : action.ToUpperInvariant()).Append(isBase ? ";\n" : "\n");
        }
    }

    private static string Action(in Rule rule) => rule switch
    {
        { Type: RuleType.Drop } => "drop",
        { Type: RuleType.Accept } => "accept",
        { Type: RuleType.Break } => "break",
        { Type: RuleType.Tee, Second: 0 } => $"tee {rule.Index} {rule.Node}",
        { Type: RuleType.Watch, Second: 0 } => $"watch {rule.Index} {rule.Node}",
        { Type: RuleType.Redirect, Second: 0 } => $"redirect {rule.Node}",
        _ => throw new NotSupportedException($"The rule language has no words for the flags of {JsonOf(rule)}."),
    };

    private string Match(in Rule rule, bool isFirst) =>
        $"{(rule.IsAlternative ? "or " : isFirst ? "" : "and ")}{(rule.IsNegated ? "not " : "")}{Words(rule)}";

    private string Words(in Rule rule)
    {
        string arguments = rule.Type switch
        {
            RuleType.SourceNode or RuleType.DestinationNode => rule.Node.ToString(),
            RuleType.VlanId or RuleType.VlanPriority or RuleType.VlanDropEligible => Number(rule.First),
            RuleType.SourceMac or RuleType.DestinationMac => new MacAddress(rule.First).ToString(),
            RuleType.IPv4Source or RuleType.IPv4Destination or RuleType.IPv6Source or RuleType.IPv6Destination =>
                $"{RuleText.Address(rule)}/{rule.Detail}",
            RuleType.TypeOfService when rule.First <= rule.Second => $"0x{rule.Detail:x2} {Range(rule)}",
            RuleType.Protocol => NameOf(Vocabulary.Protocols, rule.First) ?? Number(rule.First),
            RuleType.EtherType => NameOf(Vocabulary.EtherTypes, rule.First) ?? $"0x{rule.First:x4}",
            RuleType.Icmp => $"{rule.First} {(rule.Detail == 0 ? "-1" : Number(rule.Second))}",
            RuleType.SourcePorts or RuleType.DestinationPorts or RuleType.FrameSize when rule.First <= rule.Second => Range(rule),
            RuleType.Characteristics when rule.First != 0 =>
                string.Join(',', Bits(rule.First).Select(bit => NameOf(Vocabulary.Characteristics, 1UL << bit) ?? Number((ulong)bit))),

            // The middle of the interval that gives this number after multiplication and truncation, so that rounding of the last digits
            // does not change it.
            RuleType.Random => Math.Min(1, (rule.First + 0.5m) / uint.MaxValue).ToString("0.0###########", CultureInfo.InvariantCulture),
            >= RuleType.TagsDifference and <= RuleType.ReceiverTag => TagAndValue(rule),
            _ => throw new NotSupportedException($"The rule language has no words for {JsonOf(rule)}."),
        };
        return $"{Vocabulary.MatchWords[rule.Type]} {arguments}";
    }

    private string TagAndValue(in Rule rule) => _tags.TryGetValue((uint)rule.First, out var tag)
        ? $"{tag.Key} {Value(tag.Value, (uint)rule.Second)}"
        : $"{rule.First} {rule.Second}";

    /// <summary>The name of a value, if it has one that is unambiguous among enums and flags; else the number.</summary>
    private static string Value(NamedTag? tag, uint value)
    {
        foreach ((string name, uint number) in tag is null ? [] : tag.Enums.Concat(tag.Flags))
        {
            bool isClear = tag!.Enums.GetValueOrDefault(name, value) == value && tag.Flags.GetValueOrDefault(name, value) == value;
            if (number == value && isClear)
            {
                return name;
            }
        }

        return Number(value);
    }

    private static string Range(in Rule rule) => rule.First == rule.Second ? Number(rule.First) : $"{rule.First}-{rule.Second}";

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<int> Bits(ulong mask)
    {
        for (; mask != 0; mask &= mask - 1)
        {
            yield return BitOperations.TrailingZeroCount(mask);
        }
    }

    // The shortest name of a number; null for none.
    private static string? NameOf(IReadOnlyDictionary<string, ulong> names, ulong value) =>
        names.Where(name => name.Value == value).Select(name => name.Key).MinBy(name => name.Length);

    private static string Unused(string name, Func<string, bool> isUsed)
    {
        while (isUsed(name))
        {
            name += "_";
        }

        return name;
    }

    private static string JsonOf(in Rule rule)
    {
        using var stream = new MemoryStream();
        using (var json = new System.Text.Json.Utf8JsonWriter(stream))
        {
            RuleJson.Write(json, new(rule));
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
