namespace ZeroTier.Controller.Rules.Language;

/// <summary>The scope in which rules are compiled: the text itself, or a macro with its arguments.</summary>
/// <param name="Arguments">The arguments by parameter name, which includes the dollar sign.</param>
/// <param name="Depth">The nesting depth of macros.</param>
internal sealed record Scope(IReadOnlyDictionary<string, string> Arguments, int Depth)
{
    /// <summary>The maximum nesting depth of macros.</summary>
    public const int MaxDepth = 32;

    public static Scope Text { get; } = new(new Dictionary<string, string>(), 0);

    /// <summary>Returns the word, with a parameter replaced by its argument.</summary>
    public Word Resolve(Word word) => !word.Text.StartsWith('$') ? word
        : Arguments.TryGetValue(word.Text, out string? argument) ? word with { Text = argument }
        : throw new RuleSyntaxException(word, Depth == 0
            ? $"'{word.Text}' is a parameter, and those are only known in macros."
            : $"Unknown parameter '{word.Text}'. Known here: {(Arguments.Count == 0 ? "none" : string.Join(", ", Arguments.Keys))}.");
}
