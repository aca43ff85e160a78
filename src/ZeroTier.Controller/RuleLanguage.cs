using ZeroTier.Controller.Rules.Language;

namespace ZeroTier.Controller;

/// <summary>
/// The language in which people write the rules of networks: compiles it to rules, tags and capabilities, and writes those back as text.
/// See docs/rules.md. Thread-safe.
/// </summary>
/// <remarks>
/// What compiles here compiles to the same with the rule compiler of ZeroTierOne. That takes more: numbers with rubbish behind them, values
/// that do not fit their field, statements that swallow the next one. Here those are errors.
/// </remarks>
public static class RuleLanguage
{
    /// <summary>Characters that a text may have: 262,144.</summary>
    public const int MaxSourceLength = 256 * 1024;

    /// <summary>Errors that one compilation reports: 50.</summary>
    public const int MaxErrors = 50;

    /// <summary>Compiles a text. Whatever the text, the work is bounded, and errors are returned, not thrown.</summary>
    /// <param name="source">The text. Empty, it gives no rules, and a network without rules drops everything.</param>
    public static RuleCompilation Compile(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return RuleCompiler.Compile(source);
    }

    /// <summary>Writes rules as a text that compiles to the same.</summary>
    /// <param name="program">Rules, capabilities and tags; those without a name are named after their ID.</param>
    /// <exception cref="NotSupportedException">The language has no words for one of the rules; the message names it. JSON has.</exception>
    public static string Format(RuleProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        return new RuleFormatter(program).Format();
    }
}
