using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using ZeroTier.Testing;

namespace WebApi.Tests;

/// <summary>The lines of the README's section "Testing your app", compiled and run.</summary>
public sealed class ReadmeTests
{
#pragma warning disable xUnit1051 // As a user writes it.
    [Fact]
    public async Task App_answers_on_the_network()
    {
        await using var network = await TestNetwork.StartAsync();
        await using var factory = new WebApplicationFactory<Program>().WithWebHostBuilder(web => web.UseZeroTierTestNetwork(network));
        factory.UseKestrel();
        using var client = await network.CreateClientAsync(factory.Services);

        Assert.Equal("Healthy", await client.GetStringAsync("/healthz"));
    }
#pragma warning restore xUnit1051

    [Fact]
    public async Task Readme_shows_the_lines_above()
    {
        string[] here = await File.ReadAllLinesAsync(ThisFile(), TestContext.Current.CancellationToken);
        string[] readme = await File.ReadAllLinesAsync(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "README.md"), TestContext.Current.CancellationToken);
        int begin = Array.FindIndex(readme, Array.IndexOf(readme, "## Testing your app"), line => line == "```csharp") + 1;
        string[] shown = [.. readme[begin..Array.IndexOf(readme, "```", begin)].Where(line => line.Length > 0)];
        Assert.InRange(shown.Length, 5, 12);
        Assert.All(shown, line => Assert.Contains(line.Trim(), here.Select(source => source.Trim())));
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
