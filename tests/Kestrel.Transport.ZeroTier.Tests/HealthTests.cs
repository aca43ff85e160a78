using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>The readiness and the liveness check.</summary>
public class HealthTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_follows_the_node_the_networks_and_the_listeners()
    {
        await using var host = await StartAsync();
        var healthy = await CheckAsync(host);
        Assert.Equal(HealthStatus.Healthy, healthy.Status);
        Assert.Equal(host.Server.KnownId.ToString(), healthy.Data["node"]);
        Assert.Equal("fake", healthy.Data["engine"]);
        Assert.Equal(true, healthy.Data["online"]);
        Assert.Contains(
            "10.147.17.1/24", ((Dictionary<string, string>)healthy.Data["networks"])["8056c2e21c000001"], StringComparison.Ordinal);
        await TestHost.EventuallyAsync(() => host.App.Services.GetRequiredService<NodeHost>().Watch.Recent.Count > 0, "events seen");

        host.Server.SetReady(false);
        await TestHost.EventuallyAsync(() => host.Listeners.Listeners[0].State == ListenerState.Waiting, "detached");
        var down = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, down.Status);
        Assert.Contains("Network 8056c2e21c000001 is not ready", down.Description, StringComparison.Ordinal);
        Assert.Contains("does not accept", down.Description, StringComparison.Ordinal);

        host.Server.SetReady(true);
        await TestHost.EventuallyAsync(() => host.Listeners.Listeners[0].State == ListenerState.Attached, "attached");
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Health_tells_why_a_network_waits_and_where_to_log_in()
    {
        await using var host = await StartAsync();
        Assert.Empty((Dictionary<string, string>)(await CheckAsync(host)).Data["logins"]);

        host.Server.NotReadyStatus = ZeroTierNetworkStatus.AuthenticationRequired;
        host.Server.LoginUrl = "https://login.example/zt";
        host.Server.SetReady(false);
        var waiting = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, waiting.Status);
        Assert.Contains("Open https://login.example/zt", waiting.Description, StringComparison.Ordinal);
        Assert.Equal("https://login.example/zt", ((Dictionary<string, string>)waiting.Data["logins"])["8056c2e21c000001"]);
        Assert.Equal("Open https://login.example/zt.", ((Dictionary<string, string>)waiting.Data["reasons"])["8056c2e21c000001"]);
    }

    [Theory]
    [InlineData(3600, HealthStatus.Degraded)]
    [InlineData(0, HealthStatus.Unhealthy)]
    public async Task Health_is_degraded_only_during_the_grace_period(int grace, HealthStatus expected)
    {
        await using var host = await StartAsync(zt => zt.Health.OfflineGracePeriod = TimeSpan.FromSeconds(grace));
        host.Server.SetOnline(false);
        await TestHost.EventuallyAsync(() => host.App.Services.GetRequiredService<NodeHost>().Watch.OfflineFor is not null, "event seen");
        Assert.Equal(expected, (await CheckAsync(host)).Status);
        host.Server.SetOnline(true);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Health_of_a_node_that_was_never_online_has_no_grace()
    {
        await using var host = Build();
        host.Server.Online = false;
        await host.App.StartAsync(Cancel);
        var report = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("The node is not online", report.Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rule_8_6_Without_roots_the_app_is_live_and_ready_only_as_far_as_peers_are_direct(bool everOnline)
    {
        await using var host = Build(zt => zt.Health.OfflineGracePeriod = TimeSpan.Zero);
        host.Server.Online = everOnline;
        await host.App.StartAsync(Cancel);
        host.Server.SetOnline(false);
        host.Server.KnownPeers =
        [
            new ZeroTierPeer(new NodeId(7), ZeroTierPeerRole.Planet) { IsDirect = true },
            new ZeroTierPeer(new NodeId(8), ZeroTierPeerRole.Leaf) { IsRelayed = true },
        ];
        var alone = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, alone.Status);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host, "zerotier-live")).Status);

        host.Server.KnownPeers = [.. host.Server.KnownPeers, new ZeroTierPeer(new NodeId(9), ZeroTierPeerRole.Leaf) { IsDirect = true }];
        var direct = await CheckAsync(host);
        Assert.Equal(HealthStatus.Degraded, direct.Status);
        Assert.Contains("no root answers", direct.Description, StringComparison.Ordinal);
        Assert.Contains("direct path (1) go on", direct.Description, StringComparison.Ordinal);
        Assert.Equal(false, direct.Data["online"]);
    }

    [Fact]
    public async Task Rule_8_6_Only_a_node_that_has_failed_is_not_live()
    {
        await using var host = await StartAsync();
        host.Server.SetOnline(false);
        host.Server.SetReady(false);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host, "zerotier-live")).Status);
        await host.Server.StopAsync(Cancel);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host, "zerotier-live")).Status);
        await host.Server.StartAsync(Cancel);
        host.Server.Fail(new ZeroTierException(ZeroTierError.Fatal, "Another node has this address."));
        var failed = await CheckAsync(host, "zerotier-live");
        Assert.Equal(HealthStatus.Unhealthy, failed.Status);
        Assert.Contains("Another node has this address.", failed.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_8_6_The_two_checks_are_told_apart_by_tags()
    {
        await using var host = await TestHost.StartAsync(
            builder: web => web.Services.AddHealthChecks().AddZeroTier("mine", tags: ["more"]));
        var health = host.App.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal(["mine"], (await health.CheckHealthAsync(check => check.Tags.Contains("ready"), Cancel)).Entries.Keys);
        Assert.Equal(["mine-live"], (await health.CheckHealthAsync(check => check.Tags.Contains("live"), Cancel)).Entries.Keys);
        Assert.Equal(
            ["mine", "mine-live"], (await health.CheckHealthAsync(check => check.Tags.Contains("more"), Cancel)).Entries.Keys.Order());
    }

    [Fact]
    public async Task Health_has_one_grace_period_from_the_first_loss_which_a_new_life_of_the_node_does_not_inherit()
    {
        var time = new ObservedTime();
        await using var host = await StartAsync(builder: web => web.Services.AddSingleton<TimeProvider>(time));
        var watch = host.App.Services.GetRequiredService<NodeHost>().Watch;
        host.Server.SetOnline(false);
        await TestHost.EventuallyAsync(() => watch.OfflineFor is not null, "event seen");
        time.Ahead = TimeSpan.FromSeconds(20);
        host.Server.SetOnline(false);
        await TestHost.EventuallyAsync(() => watch.Recent.Count(e => e.Code == ZeroTierEventCode.NodeOffline) == 2, "second event seen");
        Assert.Equal(HealthStatus.Degraded, (await CheckAsync(host)).Status);
        time.WallClockSet = TimeSpan.FromHours(1);
        Assert.Equal(HealthStatus.Degraded, (await CheckAsync(host)).Status);
        time.Ahead = TimeSpan.FromSeconds(31);
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(host)).Status);

        host.Server.SetOnline(true);
        host.Server.SetOnline(false);
        await TestHost.EventuallyAsync(() => watch.OfflineFor < TimeSpan.FromSeconds(30), "a new grace period");
        await host.Server.RestartAsync(Cancel);
        await TestHost.EventuallyAsync(() => watch.OfflineFor is null, "over with the node's life");
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Count == 1, "attached");
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Health_minds_an_endpoint_that_the_engine_refuses_on_a_ready_network()
    {
        await using var host = Build();
        host.Server.ListenFailure = new ZeroTierException(ZeroTierError.NetworkUnavailable, "not usable now");
        await host.App.StartAsync(Cancel);
        var report = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("does not accept: not usable now", report.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_minds_a_network_that_was_left_although_nothing_is_served_there()
    {
        await using var host = await TestHost.StartAsync(_ => { }, web => web.Services.AddHealthChecks().AddZeroTier());
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        await host.Server.LeaveAsync(FakeNetwork.DefaultId, Cancel);
        var report = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("Network 8056c2e21c000001 is not ready: not joined.", report.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_says_what_the_registration_wants_instead_of_Unhealthy()
    {
        await using var host = await TestHost.StartAsync(
            builder: web => web.Services.AddHealthChecks().AddZeroTier(failureStatus: HealthStatus.Degraded));
        host.Server.SetReady(false);
        Assert.Equal(HealthStatus.Degraded, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Health_says_what_the_node_warns_of()
    {
        await using var host = await StartAsync();
        host.Server.KnownWarning = "Another node runs with the identity of this one.";
        var report = await CheckAsync(host);
        Assert.Equal(HealthStatus.Degraded, report.Status);
        Assert.Equal(host.Server.Warning, report.Description);

        host.Server.KnownWarning = null;
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Health_minds_no_root_that_is_not_direct()
    {
        await using var host = await StartAsync(zt => zt.Health.RequireDirect = true);
        host.Server.KnownPeers =
        [
            new ZeroTierPeer(new NodeId(7), ZeroTierPeerRole.Planet) { IsRelayed = true },
            new ZeroTierPeer(new NodeId(8), ZeroTierPeerRole.Moon) { IsRelayed = true },
        ];
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Theory]
    [InlineData(true, HealthStatus.Degraded)]
    [InlineData(false, HealthStatus.Healthy)]
    public async Task Health_minds_relayed_peers_only_where_direct_is_required(bool required, HealthStatus expected)
    {
        await using var host = await StartAsync(zt => zt.Health.RequireDirect = required);
        host.Server.KnownPeers = [new ZeroTierPeer(new NodeId(7), ZeroTierPeerRole.Leaf) { IsRelayed = true }];
        var report = await CheckAsync(host);
        Assert.Equal(expected, report.Status);
        Assert.Equal(1, report.Data["peersRelayed"]);
    }

    [Fact]
    public async Task Health_minds_no_peer_that_has_gone_or_was_only_remembered()
    {
        await using var host = await StartAsync(zt => zt.Health.RequireDirect = true);
        host.Server.KnownPeers =
        [
            new ZeroTierPeer(new NodeId(7), ZeroTierPeerRole.Leaf),
            new ZeroTierPeer(new NodeId(8), ZeroTierPeerRole.Leaf) { IsDirect = true },
        ];
        var report = await CheckAsync(host);
        Assert.Equal(HealthStatus.Healthy, report.Status);
        Assert.Equal(0, report.Data["peersRelayed"]);
        Assert.Equal(1, report.Data["peersDirect"]);
    }

    [Fact]
    public async Task Health_minds_no_half_of_localhost_whose_address_family_the_network_lacks()
    {
        await using var host = await TestHost.StartAsync(
            zt => zt.TakeAllEndpoints = true,
            web =>
            {
                web.WebHost.UseUrls("http://localhost:8080");
                web.Services.AddHealthChecks().AddZeroTier();
            },
            new FakeNetwork { GiveIPv4 = false });
        Assert.Equal(2, host.Listeners.Listeners.Count);
        Assert.Single(host.Listeners.Listeners, listener => listener.State == ListenerState.Waiting);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);

        // Down, both halves count.
        host.Server.SetReady(false);
        await TestHost.EventuallyAsync(
            () => host.Listeners.Listeners.All(listener => listener.State == ListenerState.Waiting), "both wait");
        var down = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, down.Status);
        Assert.Equal(2, down.Description!.Split("does not accept").Length - 1);
    }

    [Fact]
    public async Task Health_minds_an_endpoint_whose_only_address_family_the_network_lacks()
    {
        await using var host = await TestHost.StartAsync(
            zt => zt.TakeAllEndpoints = true,
            web =>
            {
                web.WebHost.UseUrls("http://0.0.0.0:8080");
                web.Services.AddHealthChecks().AddZeroTier();
            },
            new FakeNetwork { GiveIPv4 = false });
        var report = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("no IPv4 address", report.Description, StringComparison.Ordinal);
        Assert.Contains("http://*:8080", report.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_tells_the_halves_of_localhost_apart_that_were_bound_before_the_network_was_up()
    {
        await using var host = await TestHost.StartAsync(
            zt => zt.TakeAllEndpoints = true,
            web =>
            {
                web.WebHost.UseUrls("http://localhost:8080");
                web.Services.AddHealthChecks().AddZeroTier();
            },
            new FakeNetwork { ReadyOnJoin = false });
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(host)).Status);
        host.Server.SetReady(true);
        await TestHost.EventuallyAsync(
            () => host.Listeners.Listeners.All(listener => listener.State == ListenerState.Attached), "both accept");
        var report = await CheckAsync(host);
        Assert.Equal(HealthStatus.Healthy, report.Status);
        Assert.Equal(2, Assert.IsType<Dictionary<string, string>>(report.Data["endpoints"]).Count);
    }

    [Fact]
    public async Task Health_of_a_failed_node_says_why()
    {
        await using var host = await StartAsync();
        host.Server.Fail(new ZeroTierException(ZeroTierError.Fatal, "Another node has this address."));
        var report = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("Another node has this address.", report.Description, StringComparison.Ordinal);
    }

    private static TestHost Build(Action<ZeroTierOptions>? options = null, Action<WebApplicationBuilder>? builder = null) => TestHost.Build(
        zt =>
        {
            zt.Listen(8080);
            options?.Invoke(zt);
        },
        web =>
        {
            web.Services.AddHealthChecks().AddZeroTier();
            builder?.Invoke(web);
        });

    private static async Task<TestHost> StartAsync(Action<ZeroTierOptions>? options = null, Action<WebApplicationBuilder>? builder = null)
    {
        var host = Build(options, builder);
        await host.App.StartAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        return host;
    }

    private static async Task<HealthReportEntry> CheckAsync(TestHost host, string name = "zerotier") =>
        (await host.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel)).Entries[name];
}
