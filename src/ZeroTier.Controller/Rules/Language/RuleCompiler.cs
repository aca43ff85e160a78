using System.Collections.Immutable;

namespace ZeroTier.Controller.Rules.Language;

/// <summary>Compiles a text of rules (docs/protocol/5-http-api.md 5.9).</summary>
internal sealed class RuleCompiler
{
    private readonly ErrorList _errors = new();
    private readonly Definitions _definitions;
    private readonly MatchCompiler _matches;

    private RuleCompiler()
    {
        _definitions = new(_errors);
        _matches = new(_definitions.Tags, _errors);
    }

    public static RuleCompilation Compile(string source) => source.Length > RuleLanguage.MaxSourceLength
        ? new(
            [new RuleError(
                1, 1, $"The text has {source.Length:N0} characters, more than the {RuleLanguage.MaxSourceLength:N0} that are read.")])
        : new RuleCompiler().Compile(Block.Parse(source));

    private RuleCompilation Compile(Block text)
    {
        _definitions.Read(text);
        var capabilities = ImmutableArray.CreateBuilder<NetworkCapability>();
        foreach (CapabilityDefinition capability in _definitions.Capabilities.Values)
        {
            capabilities.Add(new(capability.Id, CompileList(capability.Rules, NetworkRule.MaxPerCapability), capability.IsDefault));
        }

        ImmutableArray<NetworkRule> rules = CompileList(_definitions.BaseRules, NetworkRule.MaxPerNetwork);
        if (!_errors.IsEmpty)
        {
            return new(_errors.ToImmutable());
        }

        ImmutableArray<NetworkTag> tags = [.. _definitions.Tags.Values.Select(tag => new NetworkTag(tag.Id, tag.Default))];
        return new(new RuleProgram(rules, capabilities.DrainToImmutable(), tags)
        {
            CapabilitiesByName = new OrderedDictionary<string, uint>(
                _definitions.Capabilities.Select(capability => KeyValuePair.Create(capability.Key, capability.Value.Id))),
            TagsByName = _definitions.Tags,
        });
    }

    private ImmutableArray<NetworkRule> CompileList(List<Element> elements, int maxRules)
    {
        var rules = new RuleList(maxRules);
        Compile(elements, Scope.Text, rules);
        return rules.ToImmutable();
    }

    private void Compile(List<Element> elements, Scope scope, RuleList rules)
    {
        int i = 0;
        while (i < elements.Count && !_errors.IsFull)
        {
            int start = i;
            _errors.Try(() => i = CompileStatement(elements, start, scope, rules));
            if (i == start)
            {
                // After an error, continue at the next statement.
                do
                {
                    i++;
                }
                while (i < elements.Count && (elements[i].Block is not null || !BeginsStatement(elements[i].Word.Lower)));
            }
        }
    }

    private static bool BeginsStatement(string word) => word is "include" || Vocabulary.OpensBlock(word);

    private int CompileStatement(List<Element> elements, int position, Scope scope, RuleList rules)
    {
        Word word = elements[position].Word;
        _errors.Step(word);
        Block? block = position + 1 < elements.Count ? elements[position + 1].Block : null;
        switch (elements[position].Block is null ? word.Lower : "")
        {
            case "include":
                var call = new Arguments(word, elements, position + 1, scope, _errors);
                Include(call.Next("the name of a macro"), scope, rules);
                return call.Position;
            case "drop":
                CompileMatches(block, 0, scope, rules);
                rules.Add(word, NetworkRule.Drop);
                break;
            case "accept":
                CompileMatches(block, 0, scope, rules);
                rules.Add(word, NetworkRule.Accept);
                break;
            case "break":
                CompileMatches(block, 0, scope, rules);
                rules.Add(word, NetworkRule.Break);
                break;
            case "tee" or "watch":
                var copy = BlockArguments(word, block, scope);
                int length = copy.NumberOrMinusOne("the most bytes to copy, up to 65535, 0 for all", ushort.MaxValue);
                NodeId observer = copy.Node();
                CompileMatches(block, copy.Position, scope, rules);
                rules.Add(
                    word, word.Lower is "tee" ? NetworkRule.Tee(observer, (ushort)length) : NetworkRule.Watch(observer, (ushort)length));
                break;
            case "redirect":
                var target = BlockArguments(word, block, scope);
                NodeId receiver = target.Node();
                CompileMatches(block, target.Position, scope, rules);
                rules.Add(word, NetworkRule.Redirect(receiver));
                break;
            case "priority":
                throw new RuleSyntaxException(word, "'priority' is reserved, and no rule yet.");
            case "macro" or "tag" or "cap":
                throw new RuleSyntaxException(
                    word, $"A {word.Lower} cannot be defined in a capability or macro. Is the ';' missing that ends the one before?");
            default:
                throw Arguments.Unexpected(word, word.Text, "an action (drop, accept, break, tee, watch, redirect) or 'include'");
        }

        return position + (block is null ? 1 : 2);
    }

    private Arguments BlockArguments(Word action, Block? block, Scope scope) => new(action, block?.Elements ?? [], 0, scope, _errors);

    private void CompileMatches(Block? block, int position, Scope scope, RuleList rules)
    {
        if (block is { SeemsClosed: true })
        {
            Word keyword = block.Opener;
            throw new RuleSyntaxException(
                block.Elements[0].Word,
                $"This became part of '{keyword.Text};' in line {keyword.Line}: behind an action alone the ';' ends nothing. Last in the "
                + $"text that does no harm; else write it in capitals, '{keyword.Text.ToUpperInvariant()};', in a capability or macro "
                + "without ';'.");
        }

        if (block is not null)
        {
            _matches.Compile(block, position, scope, rules);
        }
    }

    private void Include(Word call, Scope scope, RuleList rules)
    {
        (string name, List<string> arguments) = Macro.SplitCall(call, call.Text);
        if (!_definitions.Macros.TryGetValue(name, out Macro? macro))
        {
            throw new RuleSyntaxException(call, _definitions.Macros.ContainsKey(name.ToLowerInvariant())
                ? $"Unknown macro '{name}': write it in small letters, '{name.ToLowerInvariant()}'."
                : $"Unknown macro '{name}'.");
        }

        if (arguments.Count != macro.Parameters.Count)
        {
            throw new RuleSyntaxException(
                call,
                $"The macro '{name}' has {macro.Parameters.Count} parameters ({string.Join(',', macro.Parameters)}), here are "
                + $"{arguments.Count}.");
        }

        if (scope.Depth == Scope.MaxDepth)
        {
            throw new RuleSyntaxException(call, $"More than {Scope.MaxDepth} macros include each other: does '{name}' include itself?")
            {
                IsFinal = true,
            };
        }

        var values = macro.Parameters.Zip(arguments)
            .ToDictionary(pair => pair.First, pair => scope.Resolve(call with { Text = pair.Second }).Text);
        Compile(macro.Body, new Scope(values, scope.Depth + 1), rules);
    }
}

/// <summary>The rules of a network or capability, up to the permitted number.</summary>
internal sealed class RuleList(int max)
{
    private readonly ImmutableArray<NetworkRule>.Builder _rules = ImmutableArray.CreateBuilder<NetworkRule>();

    public void Add(Word at, NetworkRule rule)
    {
        if (_rules.Count == max)
        {
            string what = max == NetworkRule.MaxPerCapability ? "capability" : "network";
            throw new RuleSyntaxException(at, $"More than {max} rules, which is what a {what} may have: each match and each action counts.")
            {
                IsFinal = true,
            };
        }

        _rules.Add(rule);
    }

    public ImmutableArray<NetworkRule> ToImmutable() => _rules.ToImmutable();
}
