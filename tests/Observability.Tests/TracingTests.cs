using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Observability.Tests;

/// <summary>The activities of source ZeroTier.</summary>
[Collection(nameof(ListenersOfTheProcess))]
public sealed class TracingTests : IAsyncLifetime
{
    private static readonly ActivitySource Own = new("Observability.Tests");
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;
    private TestNetwork _network = null!;

    public TracingTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "ZeroTier" or "Observability.Tests" or "System.Net.Http",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = _ended.Enqueue,
        };
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _network = await TestNetwork.StartAsync(Cancel);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _network.DisposeAsync();
    }

    [Fact]
    public async Task Connecting_is_an_activity_under_that_of_the_request()
    {
        await using var app = await Apps.StartAsync(_network);
        using var http = await _network.CreateClientAsync(app.Services, Cancel);
        ActivitySource.AddActivityListener(_listener);
        using (var call = Own.StartActivity("call"))
        {
            await http.GetStringAsync("/", Cancel);

            var connect = await EndedAsync("zerotier connect");
            Assert.Equal(ActivityKind.Client, connect.Kind);
            Assert.Equal(call!.TraceId, connect.TraceId);
            var request = await EndedAsync("System.Net.Http.HttpRequestOut");
            Assert.Equal((call.SpanId, request.SpanId), (request.ParentSpanId, connect.ParentSpanId));
            Assert.Equal(ActivityStatusCode.Unset, connect.Status);
            var server = app.Services.GetRequiredService<ZeroTierNode>();
            Assert.Equal(http.BaseAddress!.Host.Trim('[', ']'), connect.GetTagItem("server.address"));
            Assert.Equal(Apps.Port, connect.GetTagItem("server.port"));
            Assert.Equal("tcp", connect.GetTagItem("network.transport"));
            Assert.Equal("ipv6", connect.GetTagItem("network.type"));
            Assert.Equal(server.Networks[0].Addresses[0].Address.ToString(), connect.GetTagItem("network.peer.address"));
            Assert.Equal(Apps.Port, connect.GetTagItem("network.peer.port"));
            Assert.Equal(TestNetwork.Network.ToString(), connect.GetTagItem("zerotier.network.id"));
            Assert.Equal(server.Id.ToString(), connect.GetTagItem("zerotier.peer.id"));
            Assert.Same(call, Activity.Current);
        }
    }

    [Fact]
    public async Task A_collector_that_throws_costs_no_connection()
    {
        await using var app = await Apps.StartAsync(_network);
        using var http = await _network.CreateClientAsync(app.Services, Cancel);
        using var broken = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "ZeroTier",
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Name == "zerotier accept" ? throw new InvalidOperationException("broken") : ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(broken);
        for (int i = 0; i < 3; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/");
            request.Headers.ConnectionClose = true;
            using var answer = await http.SendAsync(request, Cancel);
            Assert.True(answer.IsSuccessStatusCode);
        }
    }

    [Fact]
    public async Task A_hosts_node_makes_one_activity_of_one_connection()
    {
        await using var app = await Apps.StartAsync(_network);
        var peer = await _network.StartNodeAsync(Cancel);
        ActivitySource.AddActivityListener(_listener);
        await using var listener = await peer.ListenAsync(new ZeroTierEndPoint(TestNetwork.Network, 7000), Cancel);
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        await using var connection = await node.ConnectAsync(peer.Networks[0].Addresses[0].Address.ToString(), 7000, Cancel);

        Assert.Single(_ended, activity => activity.OperationName == "zerotier connect");
    }

    [Fact]
    public async Task A_connection_that_fails_says_why()
    {
        await using var app = await Apps.StartAsync(_network);
        var node = await _network.StartNodeAsync(Cancel);
        ActivitySource.AddActivityListener(_listener);
        IPAddress address = app.Services.GetRequiredService<ZeroTierNode>().Networks[0].Addresses[0].Address;
        var error = await Assert.ThrowsAsync<ZeroTierException>(
            async () => await node.ConnectAsync(new ZeroTierEndPoint(TestNetwork.Network, address, 9), Cancel));

        var connect = await EndedAsync("zerotier connect");
        Assert.Equal(error.Error.ToString(), connect.GetTagItem("error.type"));
        Assert.Equal("ConnectionRefused", connect.GetTagItem("error.type"));
        Assert.Equal((ActivityStatusCode.Error, error.Message), (connect.Status, connect.StatusDescription));
    }

    [Fact]
    public async Task An_accepted_connection_is_a_short_activity_of_its_own_which_requests_are_no_part_of()
    {
        Activity? inside = null;
        ActivitySource.AddActivityListener(_listener);
        WebApplication started;
        using (Own.StartActivity("start"))
        {
            started = await Apps.StartAsync(_network, map: web => web.MapGet("/inside", () => { inside = Activity.Current; }));
        }

        await using var app = started;
        var client = await _network.StartNodeAsync(Cancel);
        using var http = await _network.CreateClientAsync(app.Services, client, Cancel);
        using (Own.StartActivity("call"))
        {
            await http.GetStringAsync("/inside", Cancel);
        }

        var accept = await EndedAsync("zerotier accept");
        Assert.Equal(ActivityKind.Internal, accept.Kind);
        Assert.Equal(default, accept.ParentSpanId);
        Assert.Equal(ActivityStatusCode.Unset, accept.Status);
        Assert.Equal(Apps.Port, accept.GetTagItem("server.port"));
        Assert.Equal("tcp", accept.GetTagItem("network.transport"));
        Assert.Equal(client.Networks[0].Addresses[0].Address.ToString(), accept.GetTagItem("network.peer.address"));
        Assert.Equal(client.Id.ToString(), accept.GetTagItem("zerotier.peer.id"));
        Assert.NotEqual("zerotier accept", inside?.OperationName);
        Assert.NotEqual(accept.TraceId, inside?.TraceId ?? default);
    }

    [Fact]
    public async Task A_refused_connection_is_an_activity_with_an_error()
    {
        await using var app = await Apps.StartAsync(_network, zt => zt.AllowedNodes.Add(NodeId.Parse("1122334455")));
        using var http = await _network.CreateClientAsync(app.Services, Cancel);
        ActivitySource.AddActivityListener(_listener);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync("/", Cancel));

        var accept = await EndedAsync("zerotier accept");
        Assert.Equal("access_denied", accept.GetTagItem("error.type"));
        Assert.Equal(ActivityStatusCode.Error, accept.Status);
    }

    [Fact]
    public async Task Joining_is_an_activity_until_the_network_is_ready_or_left()
    {
        var node = await _network.StartNodeAsync(Cancel);
        ActivitySource.AddActivityListener(_listener);
        var adHoc = NetworkId.AdHoc(0, 100);
        await node.JoinAsync(adHoc, Cancel);
        Assert.Null(Activity.Current);
        var join = await EndedAsync("zerotier join");
        Assert.Equal((ActivityKind.Client, ActivityStatusCode.Unset), (join.Kind, join.Status));
        Assert.Equal(adHoc.ToString(), join.GetTagItem("zerotier.network.id"));

        // Again changes nothing.
        await node.JoinAsync(adHoc, Cancel);
        _ended.Clear();
        var silent = NetworkId.Parse("8056c2e21c000001");
        await node.JoinAsync(silent, Cancel);
        Assert.Empty(_ended);
        await node.LeaveAsync(silent, Cancel);
        join = await EndedAsync("zerotier join");
        Assert.Equal((ActivityStatusCode.Error, "NetworkNotJoined"), (join.Status, join.GetTagItem("error.type")));
        Assert.Equal(silent.ToString(), join.GetTagItem("zerotier.network.id"));
    }

    [Fact]
    public async Task The_networks_of_the_start_are_activities_too()
    {
        ActivitySource.AddActivityListener(_listener);
        await _network.StartNodeAsync(Cancel);

        Assert.Equal(TestNetwork.Network.ToString(), (await EndedAsync("zerotier join")).GetTagItem("zerotier.network.id"));
    }

    [Fact]
    public async Task Without_a_listener_nothing_is_made()
    {
        var started = new ConcurrentQueue<Activity>();
        using var others = new ActivityListener
        {
            ShouldListenTo = source => source.Name != "ZeroTier",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = started.Enqueue,
        };
        ActivitySource.AddActivityListener(others);
        var a = await _network.StartNodeAsync(Cancel);
        var b = await _network.StartNodeAsync(Cancel);
        await using var listener = await a.ListenAsync(new ZeroTierEndPoint(TestNetwork.Network, 7000), Cancel);
        using (var call = Own.StartActivity("call"))
        {
            await using var connection = await b.ConnectAsync(
                new ZeroTierEndPoint(TestNetwork.Network, a.Networks[0].Addresses[0].Address, 7000), Cancel);
            Assert.Same(call, Activity.Current);
            Assert.Same(call, Assert.Single(started));
        }
    }

    private async Task<Activity> EndedAsync(string name)
    {
        await Eventually.TrueAsync(() => _ended.Any(activity => activity.OperationName == name), name);
        return _ended.First(activity => activity.OperationName == name);
    }
}
