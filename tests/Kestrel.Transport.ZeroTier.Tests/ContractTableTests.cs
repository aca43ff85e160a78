using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Holds <c>docs/transport-contract.md</c> against the sources of the tests.</summary>
public partial class ContractTableTests
{
    /// <summary>Rules that may be marked open: none.</summary>
    private static readonly HashSet<string> MayBeOpen = [];

    private static readonly (int Section, int Rules)[] Sections =
    [
        (3, 3), (4, 9), (5, 13), (6, 16), (7, 5), (8, 6), (9, 3), (10, 5), (11, 2), (18, 4),
    ];

    private static string Repository { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", ".."));

    [Fact]
    public void Every_rule_has_one_row() =>
        Assert.Equal(
            ["2", .. Sections.SelectMany(s => Enumerable.Range(1, s.Rules).Select(i => $"{s.Section}.{i}"))],
            Rows().Select(row => row.Rule));

    [Fact]
    public void Every_rule_says_what_holds_and_names_a_test_or_is_open() => Assert.All(Rows(), row =>
    {
        Assert.NotEmpty(row.Holds);
        Assert.True(row.Tests.Length > 0 || row.Open, $"Rule {row.Rule} names no test.");
        Assert.True(!row.Open || MayBeOpen.Contains(row.Rule), $"Rule {row.Rule} is open.");
    });

    [Fact]
    public void Every_named_test_exists_and_carries_the_number_of_its_rule()
    {
        var existing = ExistingTests();
        Assert.All(Rows(), row => Assert.All(row.Tests, test =>
        {
            Assert.True(existing.Contains(test), $"Rule {row.Rule}: there is no test {test} under tests/.");
            Assert.Contains($"Rule_{row.Rule.Replace('.', '_')}_", test, StringComparison.Ordinal);
        }));
    }

    private static IEnumerable<(string Rule, string Holds, string[] Tests, bool Open)> Rows() =>
        from line in File.ReadLines(Path.Combine(Repository, "docs", "transport-contract.md"))
        let cells = line.Split('|', StringSplitOptions.TrimEntries)
        where cells.Length == 5 && RuleNumber().IsMatch(cells[1])
        select (cells[1], cells[2], Quoted().Matches(cells[3]).Select(m => m.Groups[1].Value).ToArray(), OpenMark().IsMatch(cells[3]));

    /// <summary>All methods after a test attribute, as <c>Class.Method</c>, where the class is the last one declared before.</summary>
    private static HashSet<string> ExistingTests()
    {
        var found = new HashSet<string>();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository, "tests"), "*.cs", SearchOption.AllDirectories))
        {
            string text = File.ReadAllText(file);
            var classes = ClassName().Matches(text);
            foreach (Match method in TestMethod().Matches(text))
            {
                if (classes.LastOrDefault(c => c.Index < method.Index) is { } owner)
                {
                    found.Add($"{owner.Groups[1].Value}.{method.Groups[1].Value}");
                }
            }
        }

        return found;
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"^\d+(\.\d+)?$")]
    private static partial Regex RuleNumber();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"(^|, )open$")]
    private static partial Regex OpenMark();

    [GeneratedRegex(@"^\s*public (?:abstract |sealed |partial )*class (\w+)", RegexOptions.Multiline)]
    private static partial Regex ClassName();

    [GeneratedRegex(
        @"^\s*\[(?:Fact|Theory)\b(?:.*\n\s*(?:\[|/{2}))*.*\n\s*public (?:async )?(?:static )?(?:virtual )?(?:Task|ValueTask|void) (\w+)\(",
        RegexOptions.Multiline)]
    private static partial Regex TestMethod();
}
