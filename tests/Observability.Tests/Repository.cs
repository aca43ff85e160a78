using System.Runtime.CompilerServices;

namespace Observability.Tests;

/// <summary>Files of the repository that tests hold. With <c>ZT_WRITE_DOCS=1</c> they are written instead.</summary>
internal static class Repository
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    private static bool Writes => Environment.GetEnvironmentVariable("ZT_WRITE_DOCS") == "1";

    /// <summary>Holds that a file of the repository is what the code says.</summary>
    public static void Holds(string file, string text)
    {
        string path = Path.Combine(Root, file);
        if (Writes)
        {
            File.WriteAllText(path, text);
        }

        string written = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";
        Assert.True(
            text == written,
            $"{file} is not what the code says. Write it anew with ZT_WRITE_DOCS=1 dotnet test tests/Observability.Tests, and look at "
            + "the difference.");
    }

    /// <summary>Holds a part of a file, between two lines of comments.</summary>
    public static void HoldsPart(string file, string name, string text)
    {
        string path = Path.Combine(Root, file);
        string whole = File.ReadAllText(path).ReplaceLineEndings("\n");
        string begin = $"<!-- generated: {name} -->\n";
        string end = $"<!-- end: {name} -->\n";
        int from = whole.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        int to = whole.IndexOf(end, StringComparison.Ordinal);
        Assert.True(from >= begin.Length && to >= from, $"{file} has no part '{name}'.");
        Holds(file, whole[..from] + text + whole[to..]);
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
