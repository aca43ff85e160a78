namespace ZeroTier.Controller.Rules.Language;

/// <summary>Where a list of rules is compiled: in the text itself, or in a macro with its arguments.</summary>
/// <param name="Arguments">The arguments by parameter, with the dollar sign.</param>
/// <param name="Depth">Macros around it.</param>
internal sealed record Scope(IReadOnlyDictionary<string, string> Arguments, int Depth)
{
    /// <summary>Macros that may include each other in a row.</summary>
    public const int MaxDepth = 32;

    public static Scope Text { get; } = new(new Dictionary<string, string>(), 0);

    /// <summary>The word, or what stands for a parameter.</summary>
    public Word Resolve(Word word) => !word.Text.StartsWith('$') ? word
        : Arguments.TryGetValue(word.Text, out string? argument) ? word with { Text = argument }
        : throw new RuleSyntaxException(word, Depth == 0
            ? $"'{word.Text}' is a parameter, and those are only known in macros."
            : $"Unknown parameter '{word.Text}'. Known here: {(Arguments.Count == 0 ? "none" : string.Join(", ", Arguments.Keys))}.");
}
