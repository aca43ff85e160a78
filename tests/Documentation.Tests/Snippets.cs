using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Documentation.Tests;

/// <summary>The code that README and docs print, by the name in the comment before it: <c>&lt;!-- snippet: NAME --&gt;</c>.</summary>
internal static partial class Snippets
{
    public static string Repository { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", ".."));

    /// <summary>Where the programs lie that make fragments run.</summary>
    public static string Programs { get; } = Path.Combine(Path.GetDirectoryName(ThisFile())!, "Programs");

    /// <summary>All blocks of C# and JSON; the name is empty where there is none.</summary>
    public static (string Name, string Text, string File)[] All { get; } =
    [
        .. from file in Directory.GetFiles(Path.Combine(Repository, "docs"), "*.md", SearchOption.AllDirectories)
            .Append(Path.Combine(Repository, "README.md"))
           from block in Block().Matches(File.ReadAllText(file).ReplaceLineEndings("\n"))
           select (block.Groups["name"].Value, block.Groups["text"].Value, file),
    ];

    /// <summary>The snippets that a program names.</summary>
    public static IEnumerable<string> NamedIn(string program) =>
        Place().Matches(program.ReplaceLineEndings("\n")).Select(place => place.Groups["name"].Value);

    public static string Text(string name) => All.Single(snippet => snippet.Name == name).Text;

    /// <summary>
    /// A program with the snippets that it names, each in a line of its own, at any indentation: <c>// SNIPPET name</c>. Their usings go to
    /// the top, as C# wants it.
    /// </summary>
    public static string Complete(string program)
    {
        var usings = new List<string>();
        string body = Place().Replace(program.ReplaceLineEndings("\n"), place => Using().Replace(Text(place.Groups["name"].Value), line =>
        {
            usings.Add(line.Value);
            return "";
        }));
        return string.Concat(usings.Distinct()) + body;
    }

    [GeneratedRegex(@"(?:<!-- snippet: (?<name>[a-z-]+) -->\n)?```(?:csharp|json)\n(?<text>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("^ *// SNIPPET (?<name>[a-z-]+)$", RegexOptions.Multiline)]
    private static partial Regex Place();

    [GeneratedRegex(@"^using [\w.]+;\n", RegexOptions.Multiline)]
    private static partial Regex Using();

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
