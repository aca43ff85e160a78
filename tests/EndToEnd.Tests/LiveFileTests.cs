using System.Collections.Concurrent;
using System.Net;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace EndToEnd.Tests;

/// <summary>The file <c>appsettings.json</c> is written anew, again and again, while the app serves.</summary>
public sealed class LiveFileTests(LoopbackUniverse universe) : IClassFixture<LoopbackUniverse>, IDisposable
{
    private const int Rounds = 20;
    private const int Stays = 8080;
    private const int Comes = 8081;
    private const int Orders = 7000;

    private static readonly NetworkId Other = NetworkId.AdHoc(1, ushort.MaxValue);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("zt-file-");
    private readonly LogCollector _logs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string SettingsPath => Path.Combine(_folder.FullName, "appsettings.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Networks_endpoints_members_and_hosts_change_under_load_and_no_request_of_an_endpoint_that_stays_is_lost()
    {
        var visitor = await universe.StartNodeAsync();
        await visitor.JoinAsync(Other, Cancel);
        await using var ordersHere = await universe.Client.ListenAsync(
            new ZeroTierEndPoint(LoopbackUniverse.Network, Orders), cancellationToken: Cancel);
        await using var ordersThere = await visitor.ListenAsync(
            new ZeroTierEndPoint(LoopbackUniverse.Network, Orders), cancellationToken: Cancel);
        Write(Settings(0, visitor.Id));
        await using var app = await StartAsync();
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        using var stop = new CancellationTokenSource();
        var errors = new ConcurrentQueue<Exception>();
        long served = 0;
        var load = Enumerable.Range(0, 8)
            .Select(i => LoadAsync(node, newConnections: i % 2 == 0, () => Interlocked.Increment(ref served), errors, stop.Token))
            .ToArray();
        using var streaming = new HttpClient(new ZeroTierHttpHandler(universe.Client)) { Timeout = Timeout.InfiniteTimeSpan };
        await using var stream = await streaming.GetStreamAsync(Url(node, Stays, "/stream"), Cancel);
        long streamed = 0;
        var reading = Task.Run(
            async () =>
            {
                byte[] buffer = new byte[64];
                while (await stream.ReadAsync(buffer, stop.Token) is var read and > 0)
                {
                    Interlocked.Add(ref streamed, read);
                }
            },
            Cancel);

        for (int round = 1; round <= Rounds; round++)
        {
            switch (round % 10)
            {
                case 3:
                    // Half-way through an edit.
                    Write("{ \"ZeroTier\": { \"Networks\": ");
                    await EventuallyAsync(() => app.Configuration["ZeroTier:Listen:0:Port"] is null, "the broken file is read");
                    break;
                case 7:
                    var wrong = Settings(round, visitor.Id);
                    wrong["ZeroTier"]!["Listen"] = "none";
                    int before = Errors();
                    Write(wrong);
                    await EventuallyAsync(() => Errors() > before, "the mistake is told");
                    break;
            }

            Write(Settings(round, visitor.Id));
            await ArrivesAsync(round, node, visitor);
            long now = Volatile.Read(ref served);
            await EventuallyAsync(() => Volatile.Read(ref served) > now + 8 || !errors.IsEmpty, "requests go on");
            Assert.Empty(errors);
        }

        // One response went on all the time, and its connection with it.
        long bytes = Volatile.Read(ref streamed);
        await EventuallyAsync(() => Volatile.Read(ref streamed) > bytes || reading.IsCompleted, "the stream goes on");
        Assert.False(reading.IsCompleted);
        await stop.CancelAsync();
        await Task.WhenAll(load).WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        Assert.Empty(errors);
        Assert.Single(
            _logs.Lines,
            line => line.Event.Name == "ListenerAttached"
                && line.Text.Contains($"{LoopbackUniverse.Network}.zt:{Stays}", StringComparison.Ordinal));
        Assert.All(
            _logs.AtLeast(LogLevel.Warning)
                .Where(line => !line.Category.StartsWith("Microsoft.AspNetCore.DataProtection", StringComparison.Ordinal)),
            line => Assert.Equal("SettingsRefused", line.Event.Name));
        Assert.Equal(Rounds / 10, Errors());
        Assert.Equal(HealthStatus.Healthy, (await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel)).Status);
    }

    /// <summary>
    /// Each round has its own name for the visitor, and every second one another network, endpoint, access list and host.
    /// </summary>
    private JsonObject Settings(int round, NodeId visitor)
    {
        bool odd = round % 2 == 1;
        var listen = new JsonArray(new JsonObject { ["Port"] = Stays, ["Network"] = $"{LoopbackUniverse.Network}" });
        if (odd)
        {
            // First in the list, so that the one that stays has another place in it.
            listen.Insert(0, new JsonObject { ["Port"] = Comes, ["Protocols"] = round % 4 == 1 ? "Http1" : "Http2" });
        }

        return new JsonObject
        {
            ["ZeroTier"] = new JsonObject
            {
                ["Networks"] = odd
                    ? new JsonArray($"{LoopbackUniverse.Network}", $"{Other}")
                    : new JsonArray($"{LoopbackUniverse.Network}"),
                ["Listen"] = listen,
                ["AllowedNodes"] = odd ? new JsonArray($"{universe.Client.Id}", $"{visitor}") : new JsonArray($"{universe.Client.Id}"),
                ["Members"] = new JsonObject { [$"{universe.Client.Id}"] = new JsonObject { ["Name"] = $"round-{round}" } },
                ["Hosts"] = new JsonObject
                {
                    ["orders"] = $"{ZeroTierName.Of(odd ? visitor : universe.Client.Id, LoopbackUniverse.Network)}",
                },
            },
        };
    }

    private async Task ArrivesAsync(int round, ZeroTierNode node, ZeroTierNode visitor)
    {
        bool odd = round % 2 == 1;
        using var http = new HttpClient(new ZeroTierHttpHandler(universe.Client)) { Timeout = TimeSpan.FromSeconds(30) };
        await EventuallyAsync(async () => await http.GetStringAsync(Url(node, Stays, "/name"), Cancel) == $"round-{round}", "members");
        await EventuallyAsync(() => node.Networks.Any(network => network is { IsReady: true } && network.Id == Other) == odd, "networks");
        await EventuallyAsync(
            async () => await ServesAsync(visitor, node, Stays, LoopbackUniverse.Network, HttpVersion.Version11) == odd, "lists");
        var version = round % 4 == 1 ? HttpVersion.Version11 : HttpVersion.Version20;
        await EventuallyAsync(async () => await ServesAsync(visitor, node, Comes, Other, version) == odd, "endpoints");
        await EventuallyAsync(
            async () =>
            {
                await using var connection = await node.ConnectAsync("orders", Orders, cancellationToken: Cancel);
                return connection.RemoteNode == (odd ? visitor : universe.Client).Id;
            },
            "hosts");
    }

    private async Task LoadAsync(
        ZeroTierNode server, bool newConnections, Action served, ConcurrentQueue<Exception> errors, CancellationToken stop)
    {
        using var http = new HttpClient(new ZeroTierHttpHandler(universe.Client)) { Timeout = TimeSpan.FromSeconds(60) };
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, Url(server, Stays, "/"))
                {
                    Headers = { ConnectionClose = newConnections },
                };
                using var answer = await http.SendAsync(request, CancellationToken.None);
                Assert.Equal("hello", await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(CancellationToken.None));
                served();
            }
            catch (Exception exception)
            {
                errors.Enqueue(exception);
            }
        }
    }

    private static async Task<bool> ServesAsync(ZeroTierNode from, ZeroTierNode server, int port, NetworkId network, Version version)
    {
        using var http = new HttpClient(new ZeroTierHttpHandler(from)) { Timeout = TimeSpan.FromSeconds(30) };
        using var request = new HttpRequestMessage(HttpMethod.Get, Url(server, port, "/", network))
        {
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        try
        {
            using var answer = await http.SendAsync(request, Cancel);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static Uri Url(ZeroTierNode server, int port, string path, NetworkId? network = null) =>
        new($"http://{ZeroTierName.Of(server.Id, network ?? LoopbackUniverse.Network)}:{port}{path}");

    private int Errors() => _logs.Lines.Count(line => line.Event.Name == "SettingsRefused");

    private void Write(JsonObject settings) => Write(settings.ToJsonString());

    private void Write(string text)
    {
        // As editors do it, and as Kubernetes does: a new file takes the place of the old one.
        string next = SettingsPath + ".new";
        File.WriteAllText(next, text);
        File.Move(next, SettingsPath, overwrite: true);
    }

    private static Task EventuallyAsync(Func<bool> condition, string what) => EventuallyAsync(() => Task.FromResult(condition()), what);

    private static async Task EventuallyAsync(Func<Task<bool>> condition, string what)
    {
        for (int i = 0; !await condition(); i++)
        {
            Assert.True(i < 1500, $"Did not happen: {what}");
            await Task.Delay(20, Cancel);
        }
    }

    private async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "live" });
        builder.Configuration.AddJsonFile(
            new PhysicalFileProvider(_folder.FullName), "appsettings.json", optional: false, reloadOnChange: true);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ZeroTier:PlanetPath"] = universe.PlanetPath,
            ["ZeroTier:StoragePath"] = universe.NewStorage(),
            ["ZeroTier:RequireReadyWithin"] = "00:00:30",
        });
        builder.Logging.AddProvider(_logs).SetMinimumLevel(LogLevel.Information);
        builder.Services.AddRoutingCore();
        builder.Services.AddAuthentication().AddZeroTier();
        builder.Services.AddAuthorization();
        builder.Services.AddHealthChecks().AddZeroTier();
        builder.WebHost.UseKestrelCore().UseZeroTier();
        var app = builder.Build();
        app.UseAuthentication().UseAuthorization();
        app.MapGet("/", () => "hello");
        app.MapGet("/name", (ClaimsPrincipal user) => user.Identity?.Name ?? "nobody").RequireAuthorization();
        app.MapGet("/stream", async (HttpContext context) =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.WriteAsync(".", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(50, context.RequestAborted);
            }
        });
        await app.StartAsync(Cancel);
        return app;
    }
}
