using System.Text;
using System.Text.RegularExpressions;

namespace Documentation.Tests;

/// <summary>The tables of <c>docs/libzt.md</c>: libzt's words in the first column, C# in the second.</summary>
internal static partial class LibztWords
{
    /// <summary>The rows of all tables with three columns, without their heads.</summary>
    public static (string Libzt, string Here)[] Rows { get; } =
    [
        .. from row in Row().Matches(File.ReadAllText(Path.Combine(Snippets.Repository, "docs", "libzt.md")).ReplaceLineEndings("\n"))
           where row.Groups["libzt"].Value is not ("libzt" or "---")
           select (row.Groups["libzt"].Value, row.Groups["here"].Value),
    ];

    /// <summary>Every statement of the second column, as a method of its own.</summary>
    public static string Program()
    {
        var methods = new StringBuilder();
        int number = 0;
        foreach (var (_, here) in Rows.Where(row => row.Here.StartsWith('`')))
        {
            methods.Append($$"""

                    public async Task Row{{++number}}()
                    {
                        {{here.Trim('`')}}
                    }

                """);
        }

        return File.ReadAllText(Path.Combine(Snippets.Programs, "libzt.cs"))
            .Replace("    // ROWS\n", methods.ToString(), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\| (?<libzt>[^|]+?) \| (?<here>[^|]+?) \| [^|]*\|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
