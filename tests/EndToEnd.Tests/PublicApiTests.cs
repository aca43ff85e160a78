using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace EndToEnd.Tests;

/// <summary>The public surface of every package is a text file beside its project, so that a change to it is seen in a review.</summary>
public class PublicApiTests
{
    private const string UpdateVariable = "ZT_UPDATE_API";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ZeroTier.Abstractions")]
    [InlineData("ZeroTier.Libzt")]
    [InlineData("ZeroTier.Managed")]
    [InlineData("ZeroTier.SelfHosting")]
    [InlineData("Kestrel.Transport.ZeroTier")]
    [InlineData("ZeroTier.Testing")]
    public async Task Public_surface_is_the_one_on_file(string project)
    {
        string file = Path.Combine(SourceFolder(), project, "PublicAPI.txt");
        string[] built = [.. PublicSurface.Of(Assembly.Load(project))];
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            await File.WriteAllTextAsync(file, string.Join('\n', built) + "\n", Cancel);
            return;
        }

        string[] stored = File.Exists(file) ? await File.ReadAllLinesAsync(file, Cancel) : [];
        if (built.SequenceEqual(stored))
        {
            return;
        }

        var message = new StringBuilder($"The public surface of {project} is not what {project}/PublicAPI.txt says:\n");
        var removed = stored.Except(built).Select(line => "- " + line);
        var added = built.Except(stored).Select(line => "+ " + line);
        foreach (string line in removed.Concat(added).OrderBy(line => PublicSurface.Unmodified(line[2..]), StringComparer.Ordinal))
        {
            message.Append(line).Append('\n');
        }

        message.Append($"If the change is meant, run the test once with {UpdateVariable}=1 and commit the file. A parameter added to a public method breaks built callers: add an overload or an option.");
        Assert.Fail(message.ToString());
    }

    [Fact]
    public void Surface_names_parameters_nullability_and_defaults()
    {
        var lines = PublicSurface.Of(typeof(ZeroTier.ZeroTierNode).Assembly).ToList();
        Assert.Contains("static ZeroTier.NetworkId.TryParse(string? text, out ZeroTier.NetworkId id) -> bool", lines);
        Assert.DoesNotContain(lines, line => line.Contains("get_", StringComparison.Ordinal) || line.Contains('`', StringComparison.Ordinal));
    }

    private static string SourceFolder([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "src"));
}
