using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace EndToEnd.Tests;

/// <summary>The section ZeroTier changes while the app serves.</summary>
public sealed class LiveConfigurationTests(LoopbackUniverse universe) : IClassFixture<LoopbackUniverse>
{
    private static readonly NetworkId Other = NetworkId.AdHoc(1, ushort.MaxValue);

    private readonly LogCollector _logs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Networks_and_lists_change_under_load_and_no_request_of_an_endpoint_that_stays_is_lost()
    {
        await using var app = await StartAsync(("Networks", $"{LoopbackUniverse.Network}"), ("AllowedNodes", $"{universe.Client.Id}"));
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        var stranger = await universe.StartNodeAsync();
        using var stop = new CancellationTokenSource();
        long served = 0;
        var load = Enumerable.Range(0, 8).Select(async i =>
        {
            using var http = new HttpClient(new ZeroTierHttpHandler(universe.Client)) { Timeout = TimeSpan.FromSeconds(30) };
            while (!stop.IsCancellationRequested)
            {
                // One half over new connections, which the lists are asked about.
                using var request = new HttpRequestMessage(HttpMethod.Get, Url(node)) { Headers = { ConnectionClose = i % 2 == 0 } };
                using var answer = await http.SendAsync(request, CancellationToken.None);
                Assert.Equal("hello", await answer.Content.ReadAsStringAsync(CancellationToken.None));
                Interlocked.Increment(ref served);
            }
        }).ToArray();
        for (int round = 0; round < 3; round++)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(stranger, node));
            Set(app, ("Networks", $"{LoopbackUniverse.Network}, {Other}"), ("AllowedNodes", $"{universe.Client.Id}, {stranger.Id}"));
            await EventuallyAsync(() => _logs.Lines.Count(line => line.Event.Name == "SettingsFollowed") == (2 * round) + 1, "followed");
            await EventuallyAsync(() => node.Networks.Any(network => network is { IsReady: true } && network.Id == Other), "joined");
            Assert.Equal("hello", await GetAsync(stranger, node));
            long before = Volatile.Read(ref served);
            await EventuallyAsync(() => Volatile.Read(ref served) > before + 16 || load.Any(task => task.IsFaulted), "requests go on");

            Set(app, ("Networks", $"{LoopbackUniverse.Network}"), ("AllowedNodes", $"{universe.Client.Id}"));
            await EventuallyAsync(() => _logs.Lines.Count(line => line.Event.Name == "SettingsFollowed") == 2 * (round + 1), "followed");
            Assert.DoesNotContain(node.Networks, network => network.Id == Other);
        }

        await stop.CancelAsync();
        await Task.WhenAll(load).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.Equal(HealthStatus.Healthy, (await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel)).Status);
    }

    [Fact]
    public async Task A_list_of_one_endpoint_follows_the_configuration()
    {
        await using var app = await StartAsync(
            ("Networks", $"{LoopbackUniverse.Network}"), ("Listen:0:Port", "8080"), ("Listen:0:AllowedNodes", "8056c2e21c"));
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(universe.Client, node));
        Set(app, ("Listen:0:AllowedNodes", $"{universe.Client.Id}"));
        await EventuallyAsync(
            () => _logs.Lines.Any(line => line.Text.Contains("Taken into use: Listen.", StringComparison.Ordinal)), "followed");
        Assert.Equal("hello", await GetAsync(universe.Client, node));
        Assert.Empty(_logs.AtLeast(LogLevel.Warning));
    }

    [Fact]
    public async Task What_is_wrong_is_not_used_and_what_needs_a_restart_is_named_each_in_one_line()
    {
        await using var app = await StartAsync(("Networks", $"{LoopbackUniverse.Network}"), ("AllowedNodes", $"{universe.Client.Id}"));
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        Set(app, ("Networks", "nonsense"), ("AllowedNodes", ""), ("Backlog", "none"));
        Set(app, ("Networks", "nonsense"));
        await EventuallyAsync(() => _logs.AtLeast(LogLevel.Warning).Any(), "said");
        Assert.Equal("hello", await GetAsync(universe.Client, node));

        Set(app, ("Networks",
            $"{LoopbackUniverse.Network}"), ("AllowedNodes", $"{universe.Client.Id}"), ("Backlog", "100"), ("Listen", "8080, 8081"));
        await EventuallyAsync(() => _logs.AtLeast(LogLevel.Warning).Count() > 1, "said");
        Assert.Equal("hello", await GetAsync(universe.Client, node));
        Assert.Collection(
            _logs.AtLeast(LogLevel.Warning),
            wrong =>
            {
                Assert.Equal(LogLevel.Error, wrong.Level);
                Assert.All(
                    new[] { "ZeroTier:Networks", "ZeroTier:AllowedNodes", "ZeroTier:Backlog" },
                    name => Assert.Contains(name, wrong.Text, StringComparison.Ordinal));
            },
            restart => Assert.EndsWith("into use: Backlog.", restart.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Endpoints_of_a_network_that_was_left_go_without_harm_to_health_and_serve_again_once_it_is_back()
    {
        var visitor = await universe.StartNodeAsync();
        await visitor.JoinAsync(Other, Cancel);
        await using var app = await StartAsync(("Networks", $"{LoopbackUniverse.Network}, {Other}"));
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        Assert.Equal("hello", await GetAsync(visitor, node, Other));
        Set(app, ("Networks", $"{LoopbackUniverse.Network}"));
        await EventuallyAsync(() => node.Networks.All(network => network.Id != Other), "left");
        Assert.Equal("hello", await GetAsync(universe.Client, node));
        var health = app.Services.GetRequiredService<HealthCheckService>();
        await EventuallyAsync(() => health.CheckHealthAsync(Cancel).GetAwaiter().GetResult().Status == HealthStatus.Healthy, "healthy");

        Set(app, ("Networks", $"{LoopbackUniverse.Network}, {Other}"));
        await EventuallyAsync(() => node.Networks.Any(network => network is { IsReady: true } && network.Id == Other), "joined");
        await EventuallyAsync(() => _logs.Lines.Count(line => line.Event.Name == "ListenerAttached") == 3, "attached again");
        Assert.Equal("hello", await GetAsync(visitor, node, Other));
        Assert.Empty(_logs.AtLeast(LogLevel.Warning));
    }

    private static void Set(WebApplication app, params (string Setting, string Value)[] settings)
    {
        foreach (var (setting, value) in settings)
        {
            app.Configuration[$"ZeroTier:{setting}"] = value;
        }

        ((IConfigurationRoot)app.Configuration).Reload();
    }

    private static Uri Url(ZeroTierNode server, NetworkId? network = null) =>
        new($"http://{ZeroTierName.Of(server.Id, network ?? LoopbackUniverse.Network)}:8080/");

    private static async Task<string> GetAsync(ZeroTierNode from, ZeroTierNode server, NetworkId? network = null)
    {
        using var http = new HttpClient(new ZeroTierHttpHandler(from)) { Timeout = TimeSpan.FromSeconds(30) };
        return await http.GetStringAsync(Url(server, network), Cancel);
    }

    private static async Task EventuallyAsync(Func<bool> condition, string what)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 1500, $"Did not happen: {what}");
            await Task.Delay(20, Cancel);
        }
    }

    private async Task<WebApplication> StartAsync(params (string Setting, string Value)[] settings)
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "live" });
        builder.Configuration["ZeroTier:PlanetPath"] = universe.PlanetPath;
        builder.Configuration["ZeroTier:StoragePath"] = universe.NewStorage();
        builder.Configuration["ZeroTier:RequireReadyWithin"] = "00:00:30";
        foreach (var (setting, value) in settings)
        {
            builder.Configuration[$"ZeroTier:{setting}"] = value;
        }

        if (!settings.Any(setting => setting.Setting.StartsWith("Listen", StringComparison.Ordinal)))
        {
            builder.Configuration["ZeroTier:Listen"] = "8080";
        }

        builder.Logging.AddProvider(_logs).SetMinimumLevel(LogLevel.Information);
        builder.Services.AddRoutingCore();
        builder.Services.AddHealthChecks().AddZeroTier();
        builder.WebHost.UseKestrelCore().UseZeroTier();
        var app = builder.Build();
        app.MapGet("/", () => "hello");
        await app.StartAsync(Cancel);
        return app;
    }
}
