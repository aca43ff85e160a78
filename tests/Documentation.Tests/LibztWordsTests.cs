using System.Text.RegularExpressions;

namespace Documentation.Tests;

/// <summary>What docs/libzt.md says of libzt's socket API is complete, and its code is code.</summary>
public sealed partial class LibztWordsTests(Workshop workshop)
{
    [Fact]
    public void Every_name_of_the_reference_has_a_row()
    {
        using var names = new StreamReader(typeof(LibztWordsTests).Assembly.GetManifestResourceStream("libzt-names.txt")!);
        var said = LibztWords.Rows.SelectMany(row => Name().Matches(row.Libzt)).Select(name => name.Groups[1].Value).ToHashSet();
        Assert.Empty(names.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Except(said));
    }

    [Fact]
    public void A_row_has_code_or_says_why_not() => Assert.All(
        LibztWords.Rows,
        row => Assert.Matches("^(`[^`]+[;}]`$|not |nothing |the same)", row.Here));

    [Fact]
    public async Task The_code_of_every_row_compiles()
    {
        var (exitCode, output) = await workshop.RunAsync("libzt");
        Assert.True(exitCode == 0, output);
        Assert.Contains($"{LibztWords.Rows.Count(row => row.Here.StartsWith('`'))} rows", output, StringComparison.Ordinal);
    }

    [GeneratedRegex("`(zts_[a-z0-9_]+)`")]
    private static partial Regex Name();
}
