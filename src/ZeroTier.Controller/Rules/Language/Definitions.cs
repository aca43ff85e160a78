namespace ZeroTier.Controller.Rules.Language;

/// <summary>
/// The macros, tags and capabilities that a text defines (docs/protocol/5-http-api.md 5.9.3), and the remaining elements, which are the
/// base rules.
/// </summary>
internal sealed class Definitions(ErrorList errors)
{
    public Dictionary<string, Macro> Macros { get; } = new(StringComparer.Ordinal);

    public OrderedDictionary<string, NamedTag> Tags { get; } = new(StringComparer.Ordinal);

    public OrderedDictionary<string, CapabilityDefinition> Capabilities { get; } = new(StringComparer.Ordinal);

    public List<Element> BaseRules { get; } = [];

    /// <summary>Separates the definitions of a text from its base rules.</summary>
    public void Read(Block text)
    {
        for (int i = 0; i < text.Elements.Count && !errors.IsFull; i++)
        {
            Element element = text.Elements[i];
            if (element.Block is not null || element.Word.Lower is not ("macro" or "tag" or "cap"))
            {
                BaseRules.Add(element);
                continue;
            }

            Block? body = i + 1 < text.Elements.Count ? text.Elements[i + 1].Block : null;
            errors.Try(() => Define(element.Word, body));
            i += body is null ? 0 : 1;
        }
    }

    private void Define(Word keyword, Block? body)
    {
        if (body is null || body.SeemsClosed || body.Elements[0].Block is not null)
        {
            throw new RuleSyntaxException(
                keyword, $"Expected a name and a body that ends with ';' behind '{keyword.Text}', which must be in small letters.");
        }

        Word name = body.Elements[0].Word;
        switch (keyword.Lower)
        {
            case "macro":
                DefineMacro(name, body.Elements[1..]);
                break;
            case "tag":
                string tag = Name(name, name.Lower, "tag", Tags.ContainsKey(name.Lower));
                Limit(name, Tags.Count, NetworkTag.MaxPerNetwork, "tags");
                NamedTag definition = new TagReader(name, body.Elements, errors).Read();
                if (Tags.FirstOrDefault(other => other.Value.Id == definition.Id) is { Key: { } twin })
                {
                    throw new RuleSyntaxException(
                        name, $"The tags '{twin}' and '{tag}' have the same ID {definition.Id}; each needs one of its own.");
                }

                Tags.Add(tag, definition);
                break;
            default:
                DefineCapability(name, body.Elements);
                break;
        }
    }

    private void DefineMacro(Word name, List<Element> body)
    {
        (string text, List<string> parameters) = Macro.SplitCall(name, name.Lower);
        string macro = Name(name, text, "macro", Macros.ContainsKey(text));
        if (parameters.Count > Macro.MaxParameters)
        {
            throw new RuleSyntaxException(name, $"More than {Macro.MaxParameters} parameters.");
        }

        if (parameters.Exists(parameter => parameter[0] != '$' || !Vocabulary.IsName(parameter.AsSpan(1)))
            || parameters.Distinct().Count() != parameters.Count)
        {
            throw new RuleSyntaxException(
                name, $"Each parameter is '$' and a name that no other has, for example {macro}($protocol,$port).");
        }

        Macros.Add(macro, new(macro, parameters, body));
    }

    private void DefineCapability(Word name, List<Element> body)
    {
        string capability = Name(name, name.Lower, "capability", Capabilities.ContainsKey(name.Lower));
        Limit(name, Capabilities.Count, NetworkCapability.MaxPerNetwork, "capabilities");
        (uint? id, bool isDefault) = (null, false);
        var rules = new List<Element>();
        int i = 1;
        while (i < body.Count)
        {
            Element element = body[i];
            string word = element.Block is null ? element.Word.Lower : "";
            if (word is "id")
            {
                if (id is not null)
                {
                    throw new RuleSyntaxException(element.Word, $"The capability '{capability}' has an ID already.");
                }

                var arguments = new Arguments(element.Word, body, i + 1, Scope.Text, errors);
                id = arguments.Number("a number");
                i = arguments.Position;
                continue;
            }

            if (word is "default")
            {
                isDefault = true;
            }
            else
            {
                rules.Add(element);
            }

            i++;
            if (word is "include" && i < body.Count)
            {
                rules.Add(body[i++]);
            }
        }

        uint number = id
            ?? throw new RuleSyntaxException(
                name, $"The capability '{capability}' needs an ID: write 'id' and a number that no other has.");
        if (Capabilities.FirstOrDefault(other => other.Value.Id == number) is { Key: { } twin })
        {
            throw new RuleSyntaxException(
                name, $"The capabilities '{twin}' and '{capability}' have the same ID {number}; each needs one of its own.");
        }

        Capabilities.Add(capability, new(number, isDefault, rules));
    }

    private static string Name(Word at, string name, string kind, bool exists) =>
        !Vocabulary.IsName(name) ? throw Arguments.Unexpected(
            at, name, $"the name of a {kind}, of letters, digits and '_', and no digit first")
        : Vocabulary.IsReserved(name) ? throw new RuleSyntaxException(
            at, $"A {kind} cannot be named '{name}': it is a word of the language.")
        : exists ? throw new RuleSyntaxException(at, $"There is a {kind} '{name}' already.")
        : name;

    private static void Limit(Word at, int count, int max, string what)
    {
        if (count >= max)
        {
            throw new RuleSyntaxException(at, $"More than {max} {what}, which is what a network may have.") { IsFinal = true };
        }
    }
}

/// <summary>A capability whose rules are not compiled yet.</summary>
internal sealed record CapabilityDefinition(uint Id, bool IsDefault, List<Element> Rules);

/// <summary>A macro: rules that are compiled where they are included.</summary>
internal sealed record Macro(string Name, List<string> Parameters, List<Element> Body)
{
    /// <summary>The maximum number of parameters of a macro.</summary>
    public const int MaxParameters = 32;

    /// <summary>Splits <c>name(a,b)</c> into name and arguments.</summary>
    public static (string Name, List<string> Arguments) SplitCall(Word at, string text)
    {
        int open = text.IndexOf('(');
        if (open < 0)
        {
            return (text, []);
        }

        if (!text.EndsWith(')'))
        {
            throw new RuleSyntaxException(
                at, $"Expected ')' at the end of '{text}': between the parentheses there are no blanks, only ','.");
        }

        string list = text[(open + 1)..^1];
        List<string> arguments = list.Length == 0 ? [] : [.. list.Split(',')];
        return arguments.Exists(argument => argument.Length == 0 || argument.AsSpan().ContainsAny('(', ')'))
            ? throw Language.Arguments.Unexpected(at, text, "a name and words with ',' between them, for example service(tcp,22)")
            : (text[..open], arguments);
    }
}
