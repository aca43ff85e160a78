using System.Collections.Immutable;

namespace ZeroTier.Controller.Rules.Language;

/// <summary>What is wrong with a statement. Ends its compilation, and is caught where the next statement begins.</summary>
internal sealed class RuleSyntaxException(Word at, string message) : Exception(message)
{
    public Word At => at;

    /// <summary>The rest need not be looked at: a limit was passed.</summary>
    public bool IsFinal { get; init; }
}

/// <summary>The errors of one compilation, and its bounds.</summary>
internal sealed class ErrorList
{
    /// <summary>
    /// Words that a compilation may look at, those of macros at each inclusion. A macro that includes others twice each would else have no
    /// end.
    /// </summary>
    private const int MaxSteps = 1_000_000;

    private const int MaxWordLength = 1024;

    private readonly List<RuleError> _errors = [];
    private bool _isFinal;
    private int _failures;
    private int _steps;

    public bool IsEmpty => _errors.Count == 0;

    /// <summary>No more errors are taken, and no more text is to be looked at.</summary>
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
            // A macro that is included twice is wrong once.
            var error = new RuleError(e.At.Line, e.At.Column, e.Message);
            if (!IsFull && !_errors.Contains(error))
            {
                _errors.Add(error);
            }

            _failures++;
            _isFinal |= e.IsFinal;
        }
    }

    /// <summary>Counts a word that is looked at.</summary>
    /// <exception cref="RuleSyntaxException">It is one too many, or too long.</exception>
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
