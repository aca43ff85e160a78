using System.Globalization;
using System.Text.RegularExpressions;

namespace Observability.Tests;

/// <summary>A message of the log, as its definition says.</summary>
internal sealed record LogMessage(string Package, string Class, string Summary, int Id, string Level, string Name, string Text);

/// <summary>
/// Reads the definitions of all log messages from the sources under <c>src</c>, so that new packages and messages are found by themselves.
/// </summary>
internal static partial class LogMessages
{
    public static IReadOnlyList<LogMessage> All { get; } = [
    .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
        .Where(file => !Built().IsMatch(file))
        .Order(StringComparer.Ordinal)
        .SelectMany(Read)];

    private static IEnumerable<LogMessage> Read(string file)
    {
        string source = File.ReadAllText(file).ReplaceLineEndings("\n");
        int attributes = Attribute().Count(source);
        if (attributes == 0)
        {
            return [];
        }

        string package = Path.GetRelativePath(Path.Combine(Repository.Root, "src"), file).Split(Path.DirectorySeparatorChar)[0];
        string summary = Summary().Match(source) is { Success: true } match
            ? match.Groups[1].Value.Replace("///", " ", StringComparison.Ordinal)
            : "";
        LogMessage[] messages = [.. Definition().Matches(source).Select(definition => new LogMessage(
            package,
            Path.GetFileNameWithoutExtension(file),
            Space().Replace(summary, " ").Trim(),
            int.Parse(definition.Groups["id"].Value, CultureInfo.InvariantCulture),
            definition.Groups["level"].Value,
            definition.Groups["event"] is { Success: true } name ? name.Value : definition.Groups["method"].Value,
            string.Concat(definition.Groups["text"].Captures.Select(text => Value(text.Value)))))];
        Assert.True(
            attributes == messages.Length,
            $"{file} has a message in another form than [LoggerMessage(ID, LogLevel.LEVEL, \"TEXT\", EventName = \"NAME\")].");
        return messages;
    }

    private static string Value(string literal) => literal[0] == '@'
        ? literal[2..^1].Replace("\"\"", "\"", StringComparison.Ordinal)
        : literal[1..^1].Replace("\\\"", "\"", StringComparison.Ordinal);

    [GeneratedRegex(@"[\\/](obj|bin)[\\/]")]
    private static partial Regex Built();

    [GeneratedRegex(@"\[LoggerMessage\b")]
    private static partial Regex Attribute();

    // The text may be a sum of literals, over several lines.
    [GeneratedRegex("""
        \[LoggerMessage\(\s*(?<id>\d+),\s*LogLevel\.(?<level>\w+),\s*
        (?<text>@"(?:[^"]|"")*"|"(?:[^"\\]|\\.)*")
        (?:\s*\+\s*(?<text>@"(?:[^"]|"")*"|"(?:[^"\\]|\\.)*"))*
        (?:,\s*EventName\s*=\s*"(?<event>\w+)")?\s*\)\]\s*
        \w+\ static\ partial\ void\ (?<method>\w+)\(
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Definition();

    [GeneratedRegex("<summary>(.*?)</summary>", RegexOptions.Singleline)]
    private static partial Regex Summary();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
