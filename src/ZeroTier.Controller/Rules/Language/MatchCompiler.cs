using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Rules.Language;

/// <summary>Compiles the matches of an action (docs/protocol/5-http-api.md 5.9.5).</summary>
internal sealed class MatchCompiler(IReadOnlyDictionary<string, NamedTag> tags, ErrorList errors)
{
    public void Compile(Block block, int position, Scope scope, RuleList rules)
    {
        (bool not, bool or) = (false, false);
        int i = position;
        while (i < block.Elements.Count)
        {
            Word word = block.Elements[i].Word;
            errors.Step(word);
            string lower = word.Lower;
            if (lower is "and" or "not" or "or")
            {
                not |= lower is "not";
                or |= lower is "or";
                i++;
                continue;
            }

            if (!Vocabulary.Matches.TryGetValue(lower, out RuleType type))
            {
                throw NoMatch(block, word);
            }

            var arguments = new Arguments(word, block.Elements, i + 1, scope, errors);
            NetworkRule match = Read(type, arguments);
            match = not ? match.Not() : match;
            rules.Add(word, or ? match.Or() : match);
            i = arguments.Position;
            (not, or) = (false, false);
        }

        if (not || or)
        {
            throw new RuleSyntaxException(block.Elements[^1].Word, $"Expected a match behind '{block.Elements[^1].Word.Text}'.");
        }
    }

    private static RuleSyntaxException NoMatch(Block block, Word word) => Vocabulary.OpensBlock(word.Lower) || word.Lower is "include"
        ? new(
            word,
            $"'{word.Text}' begins a statement, but '{block.Opener.Text}' in line {block.Opener.Line} is not ended: put ';' behind "
            + "its last word.")
        : Arguments.Unexpected(
            word, word.Text, $"a match ({string.Join(", ", Vocabulary.Matches.Keys.Order(StringComparer.Ordinal))}) or ';'");

    private NetworkRule Read(RuleType type, Arguments arguments)
    {
        switch (type)
        {
            case RuleType.SourceNode or RuleType.DestinationNode:
                return new(type, arguments.Node().Value);
            case RuleType.VlanId:
                return new(type, arguments.Number("a VLAN", ushort.MaxValue));
            case RuleType.VlanPriority:
                return new(type, arguments.Number("a priority", byte.MaxValue));
            case RuleType.VlanDropEligible:
                return new(type, arguments.Number("a bit", byte.MaxValue));
            case RuleType.EtherType:
                return new(type, arguments.Named("an Ethernet type", Vocabulary.EtherTypes, ushort.MaxValue));
            case RuleType.Protocol:
                return new(
                    type, arguments.Named("an IP protocol (that of ICMP is written icmp4 or icmp6)", Vocabulary.Protocols, byte.MaxValue));
            case RuleType.SourceMac or RuleType.DestinationMac:
                return new(type, arguments.Mac());
            case RuleType.IPv4Source or RuleType.IPv4Destination:
                (IpAddress address, int length) = arguments.Prefix();
                return NetworkRule.Prefix(
                    address.IsIPv4 ? type : type is RuleType.IPv4Source ? RuleType.IPv6Source : RuleType.IPv6Destination, address, length);
            case RuleType.TypeOfService:
                uint mask = arguments.Number("a mask", byte.MaxValue);
                (ushort lowest, ushort highest) = arguments.Range("a type of service", byte.MaxValue);
                return NetworkRule.TypeOfService((byte)mask, (byte)lowest, (byte)highest);
            case RuleType.Icmp:
                uint icmp = arguments.Number("an ICMP type", byte.MaxValue);
                int code = arguments.NumberOrMinusOne("an ICMP code, 0 to 255, or -1 for any", byte.MaxValue);
                return NetworkRule.Icmp((byte)icmp, code < 0 ? null : (byte)code);
            case RuleType.SourcePorts or RuleType.DestinationPorts or RuleType.FrameSize:
                (ushort first, ushort last) = arguments.Range(type is RuleType.FrameSize ? "a size in bytes" : "a port", ushort.MaxValue);
                return new(type, first, last);
            case RuleType.Characteristics:
                return NetworkRule.Characteristics(
                    (FrameCharacteristics)arguments.Mask("a characteristic", 64, Vocabulary.Characteristics));
            case RuleType.Random:
                return NetworkRule.Random(arguments.Probability());
            default:
                return ReadTag(type, arguments);
        }
    }

    private NetworkRule ReadTag(RuleType type, Arguments arguments)
    {
        string names = tags.Count == 0 ? "none is defined" : string.Join(", ", tags.Keys);
        Word word = arguments.Next($"a tag ({names}), or the number of one");
        if (!tags.TryGetValue(word.Text, out NamedTag? tag))
        {
            uint id = (uint)Arguments.Number(word, word.Text, $"the name of a tag ({names}), or the number of one", 0, uint.MaxValue);
            return new(type, id, arguments.Number("a value"));
        }

        string expected = $"a value of the tag '{word.Text}' ({string.Join(", ", tag.Flags.Keys.Concat(tag.Enums.Keys))}), or a number";
        Word value = arguments.Next(expected);
        return new(type, tag.Id, tag.Flags.TryGetValue(value.Text, out uint number) || tag.Enums.TryGetValue(value.Text, out number)
            ? number
            : (uint)Arguments.Number(value, value.Text, expected, 0, uint.MaxValue));
    }
}
