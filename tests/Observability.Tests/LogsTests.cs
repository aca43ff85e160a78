using System.Text;
using System.Text.RegularExpressions;

namespace Observability.Tests;

/// <summary>docs/logs.md lists every message that the packages log.</summary>
public sealed partial class LogsTests
{
    /// <summary>Of messages whose text does not say it: a line is an event name, a colon, and what to do.</summary>
    private static readonly Dictionary<string, string> Remarks = File
        .ReadLines(Path.Combine(Repository.Root, "tests", "Observability.Tests", "log-remarks.txt"))
        .Where(line => line.Length > 0 && line[0] != '#')
        .ToDictionary(
            line => line[..line.IndexOf(':', StringComparison.Ordinal)],
            line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim());

    [Fact]
    public void The_list_of_log_messages_is_what_the_packages_log() => Repository.Holds("docs/logs.md", Document());

    [Fact]
    public void No_two_messages_of_a_package_share_an_id_or_a_name()
    {
        Assert.True(LogMessages.All.Count > 100, "The messages were not found.");
        Assert.Empty(LogMessages.All.GroupBy(m => (m.Package, m.Id)).Where(same => same.Count() > 1)
            .Select(
                same => $"{same.Key.Package} has id {same.Key.Id} twice: {string.Join(", ", same.Select(m => $"{m.Class}.{m.Name}"))}. "
                    + "Give one a free id."));
        Assert.Empty(LogMessages.All.GroupBy(m => (m.Package, m.Name)).Where(same => same.Count() > 1)
            .Select(
                same => $"{same.Key.Package} has the event name {same.Key.Name} twice: ids "
                    + $"{string.Join(", ", same.Select(m => m.Id))}. Rename one."));
    }

    [Fact]
    public void Ids_are_in_the_range_that_the_class_says()
    {
        Assert.True(LogMessages.All.Count(message => Range().IsMatch(message.Summary)) > 100, "The ranges were not found.");
        foreach (var message in LogMessages.All)
        {
            var ranges = Range().Matches(message.Summary).Select(match => (
                First: int.Parse(match.Groups[1].Value, null),
                Last: int.Parse(match.Groups[2].Success ? match.Groups[2].Value : match.Groups[1].Value, null))).ToArray();
            Assert.True(
                ranges.Length == 0 || ranges.Any(range => message.Id >= range.First && message.Id <= range.Last),
                $"{message.Package}, {message.Class}.{message.Name}: id {message.Id} is not in the range of its class: {message.Summary}");
        }
    }

    [Fact]
    public void Every_remark_belongs_to_a_message() => Assert.Empty(Remarks.Keys.Except(LogMessages.All.Select(message => message.Name)));

    private static string Document()
    {
        var text = new StringBuilder("""
            # Log messages

            Every message that the packages log, from their definitions. This file is generated, and held by a test:
            `ZT_WRITE_DOCS=1 dotnet test tests/Observability.Tests`. Ids are unique within a package; names stay when texts change, so
            filter and alert by name. `{…}` are the values, which structured logs keep apart. Secrets and keys are in no message; node
            ids, network ids and addresses are.


            """.ReplaceLineEndings("\n"));
        foreach (var package in LogMessages.All.GroupBy(message => message.Package).OrderBy(package => package.Key, StringComparer.Ordinal))
        {
            text.Append($"## {package.Key}\n\n| id | level | event | message | what to do |\n| --- | --- | --- | --- | --- |\n");
            foreach (var message in package.OrderBy(message => message.Id).ThenBy(message => message.Name, StringComparer.Ordinal))
            {
                text.Append($"| {message.Id} | {message.Level} | `{message.Name}` | {Cell(message.Text)} | {Cell(Advice(message))} |\n");
            }

            text.Append('\n');
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static string Advice(LogMessage message) => Remarks.TryGetValue(message.Name, out string? remark) ? remark
        : Sentence()
            .Matches(message.Text)
            .Select(match => match.Value.Trim())
            .Where(sentence => IsAdvice().IsMatch(sentence))
            .ToArray() is { Length: > 0 } advice ? string.Join(' ', advice.Select(Sentenced))
        : message.Level is "Trace" or "Debug" or "Information" ? "Nothing."
        : SaysMore().IsMatch(message.Text) ? "Follow the reason in the message."
        : message.Level is "Error" or "Critical" ? "Look at the exception and at the messages before it."
        : "Nothing, unless it repeats: then look at the messages before it.";

    private static string Sentenced(string advice) => char.ToUpperInvariant(advice[0]) + advice[1..].TrimEnd(':', ';', '.') + '.';

    private static string Cell(string text) =>
        text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    // A sentence that begins so tells the reader to do something.
    [GeneratedRegex(
        "^(If|Add|Allow|Ask|Check|Choose|Close|Configure|Correct|Create|Delete|Enlarge|Give|Install|"
            + "Keep|Leave|Let|Look|Make|Mend|Mount|Move|Name|Put|"
            + "Remove|Rename|Replace|Restart|Run|See|Set|Start|Stop|Take|Turn|Update|Upgrade|Use|Wait|Write) ",
        RegexOptions.IgnoreCase)]
    private static partial Regex IsAdvice();

    [GeneratedRegex(@"\{(Reason|Detail|Message|Error|Remedy|Warning)\}")]
    private static partial Regex SaysMore();

    [GeneratedRegex(@"[^.:;]+(?:[.](?=\S)[^.:;]*|[:](?=\S)[^.:;]*)*(?:[.:;]|$)")]
    private static partial Regex Sentence();

    [GeneratedRegex(@"\b(?:Ids?|ids?)?\s*(\d{1,4})(?:\s*(?:to|-|–)\s*(\d{1,4}))")]
    private static partial Regex Range();
}
