using System.Text.RegularExpressions;

namespace Documentation.Tests;

/// <summary>What README and docs print is what these tests build and run, from packages, in an empty folder.</summary>
public sealed partial class SnippetTests(Workshop workshop)
{
    /// <summary>Whole programs are named here; the others name their snippets, which <see cref="Workshop"/> puts in.</summary>
    [Fact]
    public void Every_block_of_code_is_run_by_a_test() => Assert.Equal(
        Directory.GetFiles(Snippets.Programs, "*.cs")
            .SelectMany(file => Snippets.NamedIn(File.ReadAllText(file)))
            .Concat(["client", "hello", "settings", "test"])
            .Order(),
        Snippets.All.Select(snippet => snippet.Name).Order());

    [Fact]
    public async Task The_first_app_starts_and_the_client_calls_it()
    {
        string url = await workshop.StartAsync("hello", Listening());
        var (exitCode, output) = await workshop.RunAsync("client", "Development", url);
        Assert.True(exitCode == 0, output);
        Assert.Matches("hello, node [0-9a-f]{10}\n", output);
        foreach (string path in new[] { "/livez", "/readyz" })
        {
            Assert.Contains("Healthy", (await workshop.RunAsync("client", "Development", url + path)).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_settings_of_a_real_network_lack_nothing_but_the_planet()
    {
        var (exitCode, output) = await workshop.RunAsync("hello", "Production");
        Assert.NotEqual(0, exitCode);
        Assert.Contains(
            "OptionsValidationException: ZeroTier:PlanetPath is '/etc/myapp/planet', where there is no file.",
            output,
            StringComparison.Ordinal);
        Assert.DoesNotContain("; ZeroTier:", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("access", "True, Forbidden, hello, warehouse")]
    [InlineData("grpc", "hello world")]
    [InlineData("services", "direct, configured, orders/proxied, own")]
    [InlineData("observability", "captured True, True")]
    [InlineData("observability", "True, {\"status\":\"Healthy\"")]
    [InlineData("signalr", "hello caller")]
    [InlineData("test", "Failed: 0")]
    public async Task The_recipe_runs(string name, string expected)
    {
        var (exitCode, output) = await workshop.RunAsync(name);
        Assert.True(exitCode == 0, output);
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"Now listening on: (http://\[fc[^\s]+)")]
    private static partial Regex Listening();
}
