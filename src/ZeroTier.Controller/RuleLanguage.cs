using ZeroTier.Controller.Rules.Language;

namespace ZeroTier.Controller;

/// <summary>
/// The rule language of ZeroTier networks: compiles text to rules, tags and capabilities, and formats those as text. See docs/rules.md.
/// Thread-safe.
/// </summary>
/// <remarks>
/// A text that compiles here gives the same result with ZeroTierOne's rule compiler. That compiler accepts more, which is an error here:
/// numbers followed by other characters, values too large for their field, statements that silently include the next one.
/// </remarks>
public static class RuleLanguage
{
    /// <summary>The maximum length of a text in characters: 262,144.</summary>
    public const int MaxSourceLength = 256 * 1024;

    /// <summary>The maximum number of errors reported by one compilation: 50.</summary>
    public const int MaxErrors = 50;

    /// <summary>Compiles a text. The work is bounded for any input, and errors are returned, not thrown.</summary>
    /// <param name="source">The text. An empty text gives no rules, and a network without rules drops everything.</param>
    public static RuleCompilation Compile(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return RuleCompiler.Compile(source);
    }

    /// <summary>Formats rules as a text that compiles to the same rules.</summary>
    /// <param name="program">Rules, capabilities and tags; those without a name are named after their ID.</param>
    /// <exception cref="NotSupportedException">One of the rules cannot be expressed in the language (only in JSON); the message names
    /// it.</exception>
    public static string Format(RuleProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        return new RuleFormatter(program).Format();
    }
}
