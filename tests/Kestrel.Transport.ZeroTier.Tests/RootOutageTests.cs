using System.Net;
using Kestrel.Transport.ZeroTier.Tests.Engines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Managed;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>What health and the log say while no root answers, and requests go on over a direct path.</summary>
public class RootOutageTests
{
    private static readonly NetworkId Network = NetworkId.AdHoc(0, ushort.MaxValue);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_8_6_With_every_root_away_the_app_is_live_and_ready_for_direct_peers_and_says_so_once()
    {
        using var logs = new LogCollector();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(logs));
        var wire = new LossyWire(TimeProvider.System, seed: 86);
        var identities = await ManagedEngine.IdentitiesAsync();
        var endPoints = Enumerable.Range(1, 3)
            .Select(i => InetEndPoint.From(new IPEndPoint(IPAddress.Parse($"10.0.0.{i}"), 9993))).ToArray();
        using var key = PlanetSigningKey.Generate();
        var planet = Planet.Create(1, DateTimeOffset.UtcNow, [new PlanetRoot(identities[0], [endPoints[0]])], key);
        ManagedNode Node(int i, ILoggerFactory? loggerFactory = null)
        {
            var options = new ManagedNodeOptions
            {
                Identity = identities[i],
                Planet = planet,
                ActivityTimeout = TimeSpan.FromSeconds(1),
                DatagramTransportFactory = () => wire.Open(endPoints[i]),
            };
            return new ManagedNode(loggerFactory is null ? options : options with { LoggerFactory = loggerFactory });
        }

        await using var root = Node(0);
        await root.StartAsync(Cancel);
        await using var client = Node(2);
        await client.JoinAsync(Network, Cancel);
        await client.StartAsync(Cancel);
        var server = Node(1, loggers);
        var web = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "test" });
        web.Logging.AddProvider(logs);
        web.Services.AddRoutingCore().AddSingleton<INodeFactory>(new GivenNode(server));
        web.Services.AddHealthChecks().AddZeroTier();
        web.WebHost.UseKestrelCore().UseZeroTier(zt =>
        {
            zt.Networks.Add(Network.ToString());
            zt.Health.OfflineGracePeriod = TimeSpan.Zero;
            zt.Listen(8080);
        });
        await using var app = web.Build();
        app.MapHealthChecks("/livez", new() { Predicate = check => check.Tags.Contains("live") });
        app.MapHealthChecks("/readyz", new() { Predicate = check => check.Tags.Contains("ready") });
        await app.StartAsync(Cancel);
        await client.WaitForOnlineAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        await server.WaitForOnlineAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        using var http = new HttpClient(new ZeroTierHttpHandler(client)) { Timeout = TestHost.Limit };
        http.BaseAddress = new Uri($"http://{new IPEndPoint(Network.GetSixPlaneAddress(server.Id), 8080)}/");
        await UntilAsync(
            async () => await http.GetStringAsync("readyz", Cancel) == "Healthy"
                && server.Peers.Any(peer => peer is { Role: ZeroTierPeerRole.Leaf, IsDirect: true }));

        await root.StopAsync(Cancel);
        await UntilAsync(async () => await http.GetStringAsync("livez", Cancel) == "Healthy" && !server.IsOnline);

        // Degraded is 200: 503 would have thrown.
        Assert.Equal("Degraded", await http.GetStringAsync("readyz", Cancel));
        Assert.Equal("Healthy", await http.GetStringAsync("livez", Cancel));
        await UntilAsync(() => Task.FromResult(logs.Lines.Any(line => line.Text.Contains("offline", StringComparison.Ordinal))));
        Assert.Single(logs.AtLeast(LogLevel.Information), line => line.Text.Contains("offline", StringComparison.Ordinal));
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TestHost.Limit);
        while (!await condition())
        {
            await Task.Delay(50, limit.Token);
        }
    }
}
