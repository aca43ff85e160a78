namespace ZeroTier.Controller.Rules.Language;

/// <summary>A word of a rule text with its position; line and column are 1-based.</summary>
/// <param name="Text">The word without a trailing semicolon; empty for a semicolon alone.</param>
/// <param name="Line">The line.</param>
/// <param name="Column">The column.</param>
/// <param name="Closes">Whether the word ends with a semicolon.</param>
/// <param name="IsLast">Whether the text ends directly after the word.</param>
internal readonly record struct Word(string Text, int Line, int Column, bool Closes, bool IsLast)
{
    /// <summary>The word in lower case, because keywords are case-insensitive.</summary>
    public string Lower => Text.ToLowerInvariant();

    /// <summary>
    /// Splits a text into words at spaces, tabs and line ends only. A # at the start of a word begins a comment, which extends to the end
    /// of the line (docs/protocol/5-http-api.md 5.9.2).
    /// </summary>
    public static IEnumerable<Word> Split(string source)
    {
        (int line, int lineStart, int position) = (1, 0, 0);
        while (position < source.Length)
        {
            char c = source[position];
            if (c is '\n' || (c is '\r' && source.AsSpan(position + 1) is not ['\n', ..]))
            {
                line++;
                lineStart = position + 1;
            }

            if (IsSpace(c))
            {
                position++;
                continue;
            }

            int end = c is '#' ? source.AsSpan(position).IndexOfAny('\r', '\n') : source.AsSpan(position).IndexOfAny(" \t\r\n");
            end = end < 0 ? source.Length : position + end;
            if (c is not '#')
            {
                bool closes = source[end - 1] is ';';
                yield return new Word(
                    source[position..(closes ? end - 1 : end)], line, position - lineStart + 1, closes, end == source.Length);
            }

            position = end;
        }
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\r' or '\n';
}
