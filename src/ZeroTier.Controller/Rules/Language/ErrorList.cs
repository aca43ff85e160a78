using System.Collections.Immutable;

namespace ZeroTier.Controller.Rules.Language;

/// <summary>An error in a statement. Aborts the compilation of the statement; compilation continues with the next one.</summary>
internal sealed class RuleSyntaxException(Word at, string message) : Exception(message)
{
    public Word At => at;

    /// <summary>Whether to stop the whole compilation, because a limit was exceeded.</summary>
    public bool IsFinal { get; init; }
}

/// <summary>The errors of one compilation; also enforces its limits.</summary>
internal sealed class ErrorList
{
    /// <summary>
    /// The maximum number of words that a compilation processes, counting those of macros at each inclusion. Bounds macros that include
    /// others several times, whose expansion grows exponentially.
    /// </summary>
    private const int MaxSteps = 1_000_000;

    private const int MaxWordLength = 1024;

    private readonly List<RuleError> _errors = [];
    private bool _isFinal;
    private int _failures;
    private int _steps;

    public bool IsEmpty => _errors.Count == 0;

    /// <summary>Whether compilation must stop: too many errors, or a limit was exceeded.</summary>
    public bool IsFull => _isFinal || _failures >= RuleLanguage.MaxErrors;

    public ImmutableArray<RuleError> ToImmutable() => [.. _errors.OrderBy(error => error.Line).ThenBy(error => error.Column)];

    /// <summary>Compiles one statement.</summary>
    public void Try(Action statement)
    {
        try
        {
            statement();
        }
        catch (RuleSyntaxException e)
        {
            // An error in a macro that is included several times is reported once.
            var error = new RuleError(e.At.Line, e.At.Column, e.Message);
            if (!IsFull && !_errors.Contains(error))
            {
                _errors.Add(error);
            }

            _failures++;
            _isFinal |= e.IsFinal;
        }
    }

    /// <summary>Counts a processed word.</summary>
    /// <exception cref="RuleSyntaxException">There are too many words, or the word is too long.</exception>
    public void Step(Word word)
    {
        if (word.Text.Length > MaxWordLength)
        {
            throw new RuleSyntaxException(word, $"A word of {word.Text.Length} characters, more than the {MaxWordLength} that are read.")
            {
                IsFinal = true,
            };
        }

        if (++_steps > MaxSteps)
        {
            throw new RuleSyntaxException(
                word,
                $"With its macros the text has more than {MaxSteps:N0} words. Look for macros that include others many times.")
            { IsFinal = true };
        }
    }
}
