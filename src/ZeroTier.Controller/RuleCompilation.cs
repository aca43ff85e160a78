using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Controller;

/// <summary>The result of compiling a text in the rule language: a program, or errors. Immutable and thread-safe.</summary>
public sealed class RuleCompilation
{
    internal RuleCompilation(RuleProgram program) => Program = program;

    internal RuleCompilation(ImmutableArray<RuleError> errors) => Errors = errors;

    /// <summary>True when there is a program, false when there are errors.</summary>
    [MemberNotNullWhen(true, nameof(Program))]
    public bool Succeeded => Program is not null;

    /// <summary>The rules; null when there are errors.</summary>
    public RuleProgram? Program { get; }

    /// <summary>The errors in the order of the text, at most <see cref="RuleLanguage.MaxErrors"/>.</summary>
    public ImmutableArray<RuleError> Errors { get; } = [];
}

/// <summary>An error in a text in the rule language.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The character in the line, from 1.</param>
/// <param name="Message">What is wrong, and what was expected.</param>
public sealed record RuleError(int Line, int Column, string Message)
{
    /// <summary>Place and message in one line.</summary>
    public override string ToString() => $"line {Line}, column {Column}: {Message}";
}
