namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>
/// Whatever the native events do, the contract's come once each and in the documented order (docs/protocol/4-libzt-api.md 7.3).
/// </summary>
public sealed class NativeEventFailureTests : FailureTest
{
    private static readonly ZeroTierEventCode[] Life =
    [
        ZeroTierEventCode.NodeUp, ZeroTierEventCode.NodeOnline, ZeroTierEventCode.AddressAddedIPv6, ZeroTierEventCode.NetworkUpdate,
        ZeroTierEventCode.NetworkReadyIPv6,
        ZeroTierEventCode.NetworkOk, ZeroTierEventCode.NetworkDown, ZeroTierEventCode.NodeDown,
    ];

    [Theory]
    [InlineData("events=on")]
    [InlineData("events=none")]
    [InlineData("events=null")]
    [InlineData("events=reordered")]
    [InlineData("events=duplicated")]
    [InlineData("late=150")]
    [InlineData("online_delay=0;addr_delay=150")]
    [InlineData("online_delay=250;addr_delay=0")]
    public async Task Life_AnyNativeEvents_TheSameEventsOnceEach(string script)
    {
        var node = Create(script);
        var events = Record(node.Node);

        await Bounded(node.Node.StartAsync(Token));
        await Bounded(node.Node.JoinAsync(Network, Token));
        await Ready(node.Node);
        await Until(() => events.Any(e => e.Code == ZeroTierEventCode.NetworkOk));
        await Task.Delay(200, Token);
        await Bounded(node.Node.StopAsync(Token));
        await Until(() => events.Any(e => e.Code == ZeroTierEventCode.NodeDown));

        var codes = Codes(events);
        Assert.Equal(Life.Order(), codes.Order());
        Assert.Equal(Life.Where(code => code != ZeroTierEventCode.NodeOnline), codes.Where(code => code != ZeroTierEventCode.NodeOnline));
        Assert.InRange(codes.IndexOf(ZeroTierEventCode.NodeOnline), 1, codes.IndexOf(ZeroTierEventCode.NetworkReadyIPv6) - 1);
    }

    [Fact]
    public async Task Stale_events_of_a_silent_session_do_not_confuse_the_next()
    {
        var node = await Up("events=none");
        node.Control.Configure("online=0;online=1;status.ff0000ffff000000=3;status.ff0000ffff000000=-1;inject=204;inject=218;inject=263");
        await Until(() => node.Node.IsOnline && node.Node.Networks[0].IsReady);
        await Bounded(node.Node.StopAsync(Token));
        var events = Record(node.Node);

        node.Control.Configure("events=on");
        await Bounded(node.Node.StartAsync(Token));
        await Ready(node.Node);
        await Until(() => events.Any(e => e.Code == ZeroTierEventCode.NetworkOk));
        await Until(() => node.Control.Counter("events") > 20);
        await Task.Delay(200, Token);

        Assert.Equal(Life[..6].Order(), Codes(events).Order());
        Assert.True(node.Node.IsOnline);
    }

    [Fact]
    public async Task Odd_events_change_nothing()
    {
        var node = await Up();
        var events = Record(node.Node);

        node.Control.Configure(
            string.Join(
                ';',
                new[] { 0, 1, 202, 203, 204, 210, 214, 218, 219, 220, 230, 242, 250, 260, 261, 263, 270, 274, 999 }.Select(
                    code => $"inject={code}")));
        await Until(() => node.Control.Counter("events") > 25);
        await Task.Delay(300, Token);

        Assert.Empty(Codes(events));
        Assert.True(node.Node.IsOnline);
        Assert.Equal(ZeroTierNodeState.Running, node.Node.State);
        Assert.True(node.Node.Networks[0].IsReady);
    }

    [Fact]
    public async Task Peers_only_what_is_valid_is_shown()
    {
        var server = await Up();
        var client = await Up();

        await Echo(client, server);

        await Until(() => client.Node.Peers.Count == 2 && client.Node.Peers.All(p => p.IsDirect));
        var peer = client.Node.Peers.Single(p => p.Id == server.Node.Id);
        Assert.Equal((ZeroTierPeerRole.Leaf, new Version(1, 12, 0), TimeSpan.FromMilliseconds(3)), (peer.Role, peer.Version, peer.Latency));
        Assert.Empty(peer.Paths);
        Assert.Equal(ZeroTierPeerRole.Planet, client.Node.Peers[0].Role);
    }

    [Fact]
    public async Task Peers_told_of_while_the_node_starts_are_kept()
    {
        // The roots answer with the core's first breath, before the start has seen that it is there.
        var node = await Up("core_delay=0;online_delay=0");

        await Until(() => node.Node.Peers.Any(p => p.Role == ZeroTierPeerRole.Planet && p.IsDirect));
    }

    [Fact]
    public async Task Relayed_peer_is_not_direct()
    {
        var server = await Up();
        var client = await Up("relay=1");

        await Echo(client, server);

        await Until(() => client.Node.Peers.Any(p => p.Id == server.Node.Id));
        Assert.False(client.Node.Peers.Single(p => p.Id == server.Node.Id).IsDirect);
    }

    [Fact]
    public async Task No_events_traffic_flows_all()
    {
        var server = await Up("events=none");
        var client = await Up("events=none");

        await Echo(client, server);

        Assert.Empty(client.Node.Peers);
    }
}
