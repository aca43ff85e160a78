using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Libzt;
using ZeroTier.LibztDouble;
using ZeroTier.Managed;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>
/// The host's node on the native engine, over the double. This process loads its one libzt here, so there is one test for all of that.
/// </summary>
[Collection(Process)]
public sealed class LibztEngineTests : IDisposable
{
    /// <summary>For tests that care whether this process runs a libzt.</summary>
    public const string Process = "The libzt of this process";

    private const string Network = "ff0000ffff000000";

    private readonly string _folder = Directory.CreateTempSubdirectory("zt-libzt-engine").FullName;
    private readonly LogCollector _logs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _logs.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Auto_takes_libzt_once_then_managed_and_a_collision_makes_health_unhealthy_with_the_remedy()
    {
        Assert.SkipWhen(DoubleLibrary.SkipReason is not null, DoubleLibrary.SkipReason ?? "");
        string library = DoubleLibrary.Copy();
        string planet = await PlanetAsync();

        // Two that start at the same moment: one of them gets it, whichever.
        using var one = Build("one", library, planet);
        using var other = Build("other", library, planet);
        await Task.WhenAll(Task.Run(() => one.StartAsync(Cancel), Cancel), Task.Run(() => other.StartAsync(Cancel), Cancel));
        var (host, late) = Engine(one) == "libzt" ? (one, other) : (other, one);
        Assert.Equal(("libzt", "managed"), (Engine(host), Engine(late)));
        await late.StopAsync(Cancel);
        var node = host.Services.GetRequiredService<ZeroTierNode>();
        await node.WaitForNetworkAsync(NetworkId.Parse(Network), Cancel).WaitAsync(TestHost.Limit, Cancel);
        await node.WaitForOnlineAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);

        using (var second = Build("second", library, planet))
        {
            await second.StartAsync(Cancel);
            Assert.Equal("managed", Engine(second));
            await second.StopAsync(Cancel);
        }

        var control = new DoubleControl(library);
        control.Configure("collision=400");
        await node.RestartAsync(Cancel);
        await TestHost.EventuallyAsync(() => node.State == ZeroTierNodeState.Failed, "the node fails");

        var health = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        Assert.Contains("identity", health.Description, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_folder, host == one ? "one" : "other"), health.Description, StringComparison.Ordinal);
        await host.StopAsync(Cancel);
        Assert.Empty(control.Violations);

        string[] choices = [.. _logs.Lines.Where(line => line.Event.Name == "EngineChosen").Select(line => line.Text)];
        Assert.Equal(3, choices.Length);
        Assert.Single(choices, text => text.Contains($"libzt was found at '{library}'", StringComparison.Ordinal));
        Assert.Equal(2, choices.Count(text => text.Contains("one node per process", StringComparison.Ordinal)));

        // The place is free again.
        control.Configure("collision=0");
        using var third = Build("third", library, planet);
        await third.StartAsync(Cancel);
        Assert.Equal("libzt", Engine(third));
        await third.StopAsync(Cancel);
        Assert.False(LibztNode.IsRunningInProcess);
    }

    private static string Engine(IHost host) => host.Services.GetRequiredService<ZeroTierNode>().Engine;

    private static async Task<HealthReportEntry> CheckAsync(IHost host) =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel)).Entries["zerotier"];

    private IHost Build(string name, string library, string planet)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = name });
        builder.Logging.AddProvider(_logs).SetMinimumLevel(LogLevel.Debug);
        builder.Services.AddZeroTier(zt =>
        {
            zt.Networks.Add(Network);
            zt.LibztPath = library;
            zt.PlanetPath = planet;
            zt.StoragePath = Path.Combine(_folder, name);
        });
        builder.Services.AddHealthChecks().AddZeroTier();
        return builder.Build();
    }

    /// <summary>Its root does not exist: the double needs none, and the managed node only has to start.</summary>
    private async Task<string> PlanetAsync()
    {
        using var identity = await NodeIdentity.GenerateAsync(Cancel);
        using var key = PlanetSigningKey.Generate();
        var root = new PlanetRoot(identity, [InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, 9))]);
        string file = Path.Combine(_folder, "planet");
        Planet.Create(7, DateTimeOffset.UtcNow, [root], key).Save(file);
        return file;
    }
}
