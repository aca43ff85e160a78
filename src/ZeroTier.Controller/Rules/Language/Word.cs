namespace ZeroTier.Controller.Rules.Language;

/// <summary>A word of a rule text, and where it stands: line and column count from 1.</summary>
/// <param name="Text">The word without the semicolon at its end; empty for a semicolon that stands alone.</param>
/// <param name="Line">The line.</param>
/// <param name="Column">The column.</param>
/// <param name="Closes">A semicolon ended the word.</param>
/// <param name="IsLast">The text ends directly behind the word.</param>
internal readonly record struct Word(string Text, int Line, int Column, bool Closes, bool IsLast)
{
    /// <summary>The words of the language may be written in any case.</summary>
    public string Lower => Text.ToLowerInvariant();

    /// <summary>
    /// Cuts a text into words, at blanks, tabs and ends of lines; nothing else separates. A comment goes from a # where a word would begin
    /// to the end of the line (docs/protocol/5-http-api.md 5.9.2).
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
