using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;

namespace ZeroTier.Hosting.Tests;

/// <summary>A reverse proxy in front of members and of servers elsewhere.</summary>
public sealed class YarpTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Members_are_reached_over_the_node_and_others_over_sockets()
    {
        await using var universe = await Universe.StartAsync();
        await using var elsewhere = await StartOnSocketsAsync();
        var port = universe.Server.Port;
        await using var proxy = await StartProxyAsync(
            universe,
            zt => zt.Hosts["orders"] = $"{universe.ServerId}",
            Cluster("name", $"http://{universe.ServerId}.zt:{port}"),
            Cluster("address", universe.Server.ToString()),
            Cluster("setting", $"http://orders:{port}"),
            Cluster("elsewhere", elsewhere.Urls.Single()));
        using var client = await universe.Network.CreateClientAsync(proxy.Services, Cancel);
        string node = $"{proxy.Services.GetRequiredService<ZeroTierNode>().Id}";

        Assert.Equal(node, await client.GetStringAsync("/name", Cancel));
        Assert.Equal(node, await client.GetStringAsync("/address", Cancel));
        Assert.Equal(node, await client.GetStringAsync("/setting", Cancel));
        Assert.Equal("elsewhere", await client.GetStringAsync("/elsewhere", Cancel));
    }

    [Fact]
    public async Task Metadata_of_a_cluster_decide_for_all_of_its_destinations()
    {
        await using var universe = await Universe.StartAsync();
        await using var elsewhere = await StartOnSocketsAsync();
        await using var proxy = await StartProxyAsync(
            universe,
            _ => { },
            Cluster("over", elsewhere.Urls.Single(), "true"),
            Cluster("beside", $"http://{universe.ServerId}.zt:{universe.Server.Port}", "false"));
        using var client = await universe.Network.CreateClientAsync(proxy.Services, Cancel);

        // Neither may be found the other way: the machine's own address is on no network, and the member's name is in no DNS.
        Assert.Equal(HttpStatusCode.BadGateway, (await client.GetAsync("/over", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.BadGateway, (await client.GetAsync("/beside", Cancel)).StatusCode);
    }

    [Fact]
    public async Task Metadata_that_are_not_understood_are_refused()
    {
        await using var universe = await Universe.StartAsync();
        var error = await Assert.ThrowsAnyAsync<Exception>(
            () => StartProxyAsync(universe, _ => { }, Cluster("name", universe.Server.ToString(), "yes")));
        Assert.Contains("The metadata ZeroTier are 'yes'. Use true", $"{error}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_probes_go_over_the_node_too()
    {
        var probed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var universe = await Universe.StartAsync(context =>
        {
            probed.TrySetResult($"{context.GetZeroTierPeer()?.Node} {context.Request.QueryString}");
            return Task.CompletedTask;
        });
        var cluster = Cluster("name", universe.Server.ToString());
        await using var proxy = await StartProxyAsync(universe, _ => { }, cluster with
        {
            HealthCheck = new HealthCheckConfig
            {
                Active = new ActiveHealthCheckConfig
                {
                    Enabled = true,
                    Interval = TimeSpan.FromMinutes(1),
                    Policy = HealthCheckConstants.ActivePolicy.ConsecutiveFailures,
                    Path = "/",
                    Query = "?probe",
                },
            },
        });

        Assert.Equal(
            $"{proxy.Services.GetRequiredService<ZeroTierNode>().Id} ?probe", await probed.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancel));
    }

    [Fact]
    public async Task Https_is_checked_against_the_member_that_the_destination_names()
    {
        await using var universe = await Universe.StartAsync(configure: zt => zt.Listen(8443, listen => listen.UseZeroTierHttps()));
        await using var proxy = await StartProxyAsync(universe, _ => { }, Cluster("name", $"https://{universe.ServerId}.zt:8443"));
        using var client = await universe.Network.CreateClientAsync(proxy.Services, Cancel);

        Assert.Equal($"{proxy.Services.GetRequiredService<ZeroTierNode>().Id}", await client.GetStringAsync("/name", Cancel));
    }

    private static ClusterConfig Cluster(string name, string address, string? zeroTier = null) => new()
    {
        ClusterId = name,
        Destinations = new Dictionary<string, DestinationConfig> { ["only"] = new() { Address = address } },
        Metadata = zeroTier is null ? null : new Dictionary<string, string> { ["ZeroTier"] = zeroTier },
    };

    private static async Task<WebApplication> StartProxyAsync(
        Universe universe, Action<ZeroTierNodeOptions> configure, params ClusterConfig[] clusters)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseZeroTierTestNetwork(universe.Network);
        builder.Services.AddZeroTier(configure);
        builder.Services.AddReverseProxy().UseZeroTier().LoadFromMemory(
            [.. clusters.Select(cluster => new RouteConfig
            {
                RouteId = cluster.ClusterId,
                ClusterId = cluster.ClusterId,
                Match = new() { Path = $"/{cluster.ClusterId}" },
                Transforms = [new Dictionary<string, string> { ["PathSet"] = "/" }],
            })],
            clusters);
        var proxy = builder.Build();
        proxy.MapReverseProxy();
        await proxy.StartAsync(Cancel);
        return proxy;
    }

    private static async Task<WebApplication> StartOnSocketsAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/", (HttpContext context) => context.Response.WriteAsync("elsewhere"));
        await app.StartAsync(Cancel);
        return app;
    }
}
