using System.Runtime.CompilerServices;

namespace ZeroTier.Hosting.Tests;

/// <summary>The limit of .editorconfig, which the formatter does not hold.</summary>
public class LineLengthTests
{
    private const int Limit = 140;

    [Fact]
    public void No_line_of_code_is_longer_than_the_limit()
    {
        string[] sources =
        [
            .. new[] { "benchmarks", "samples", "src", "tests" }.SelectMany(
                folder => Directory.EnumerateFiles(Path.Combine(Repository(), folder), "*.cs", SearchOption.AllDirectories))
                .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")),
        ];

        Assert.NotEmpty(sources);
        Assert.Empty(sources.SelectMany(TooLong));
    }

    [Fact]
    public void Editors_are_told_the_same_limit() =>
        Assert.Contains($"max_line_length = {Limit}", File.ReadAllLines(Path.Combine(Repository(), ".editorconfig")));

    private static IEnumerable<string> TooLong(string file) =>
        File.ReadLines(file).Index().Where(line => line.Item.Length > Limit)
            .Select(line => $"{Path.GetRelativePath(Repository(), file)}:{line.Index + 1} has {line.Item.Length} columns");

    private static string Repository([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", ".."));
}
