namespace ZeroTier.Controller.Rules.Language;

/// <summary>
/// Parses the body of a tag definition: its ID, the names of its values, and its default (docs/protocol/5-http-api.md 5.9.3).
/// </summary>
internal sealed class TagReader(Word name, List<Element> body, ErrorList errors)
{
    // The limit for enums, and separately for flags.
    private const int MaxNames = 1000;

    private readonly OrderedDictionary<string, uint> _enums = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, uint> _flags = new(StringComparer.Ordinal);
    private uint? _id;
    private Word? _default;

    public NamedTag Read()
    {
        int i = 1;
        while (i < body.Count)
        {
            i = ReadEntry(i);
        }

        uint id = _id
            ?? throw new RuleSyntaxException(name, $"The tag '{name.Lower}' needs an ID: write 'id' and a number that no other has.");
        return new(id, _default is { } word ? Default(word) : null, _enums, _flags);
    }

    private int ReadEntry(int position)
    {
        Word word = body[position].Word;
        errors.Step(word);
        var arguments = new Arguments(word, body, position + 1, Scope.Text, errors);
        switch (body[position].Block is null ? word.Lower : "")
        {
            case "id":
                _id = _id is null
                    ? arguments.Number("a number")
                    : throw new RuleSyntaxException(word, $"The tag '{name.Lower}' has an ID already.");
                break;
            case "enum":
                uint value = arguments.Number("a value");
                AddName(_enums, arguments.Next("a name"), value);
                break;
            case "flag":
                var masks = _flags.ToDictionary(flag => flag.Key, flag => (ulong)flag.Value);
                uint bits = (uint)arguments.Mask("a flag", 32, masks);
                AddName(_flags, arguments.Next("a name"), bits);
                break;
            case "default":
                _default = _default is null
                    ? arguments.Next("a value")
                    : throw new RuleSyntaxException(word, $"The tag '{name.Lower}' has a default already.");
                break;
            default:
                throw Arguments.Unexpected(word, word.Text, "'id', 'enum', 'flag', 'default', or ';' at the end of the tag");
        }

        return arguments.Position;
    }

    private uint Default(Word word) =>
        _enums.TryGetValue(word.Text, out uint value) || _flags.TryGetValue(word.Text, out value) ? value
        : (uint)Arguments.Number(
            word, word.Text, $"a value of the tag '{name.Lower}': one of its names, or a number up to {uint.MaxValue}", 0, uint.MaxValue);

    private static void AddName(OrderedDictionary<string, uint> names, Word word, uint value)
    {
        string text = word.Lower;
        if (!Vocabulary.IsName(text) || Vocabulary.IsReserved(text))
        {
            throw Arguments.Unexpected(
                word, text, "a name of letters, digits and '_', with no digit first, that is no word of the language");
        }

        if (names.Count == MaxNames)
        {
            throw new RuleSyntaxException(word, $"More than {MaxNames} names of values in one tag.") { IsFinal = true };
        }

        if (!names.TryAdd(text, value))
        {
            throw new RuleSyntaxException(word, $"There is a value '{text}' already.");
        }
    }
}
