namespace ZeroTier.Conformance;

/// <summary>Events and their subscribers.</summary>
public abstract class EventConformance<TEngine> : ConformanceTest<TEngine>
    where TEngine : IConformanceEngine, new()
{
    [Fact]
    public async Task First_life_events_come_in_the_documented_order()
    {
        var node = Pair.CreateNode();
        using var subscription = node.Subscribe();
        await Bounded(node.StartAsync(Token));
        await Bounded(node.JoinAsync(Network, Token));

        var events = await ReadUntil(subscription, ZeroTierEventCode.NetworkOk);
        var codes = events.Select(e => e.Code).ToList();
        var family = AddressOf(node).AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        var added = family ? ZeroTierEventCode.AddressAddedIPv4 : ZeroTierEventCode.AddressAddedIPv6;
        var ready = family ? ZeroTierEventCode.NetworkReadyIPv4 : ZeroTierEventCode.NetworkReadyIPv6;

        Assert.Equal(ZeroTierEventCode.NodeUp, codes[0]);
        Assert.True(codes.IndexOf(ZeroTierEventCode.NodeOnline) < codes.IndexOf(ready), Text(codes));
        Assert.True(codes.IndexOf(added) < codes.IndexOf(ZeroTierEventCode.NetworkUpdate), Text(codes));
        Assert.True(codes.IndexOf(ZeroTierEventCode.NetworkUpdate) < codes.IndexOf(ready), Text(codes));
        Assert.True(codes.IndexOf(ready) < codes.IndexOf(ZeroTierEventCode.NetworkOk), Text(codes));
        Assert.Equal(AddressOf(node), events.First(e => e.Code == added).Address);
        Assert.Equal(Network, events.First(e => e.Code == ZeroTierEventCode.NetworkOk).Network);
    }

    [Fact]
    public async Task Leave_raises_network_down()
    {
        using var subscription = Server.Subscribe();

        await Bounded(Server.LeaveAsync(Network, Token));

        Assert.Equal(Network, (await ReadUntil(subscription, ZeroTierEventCode.NetworkDown))[^1].Network);
    }

    [Fact]
    public async Task First_contact_raises_a_peer_event_of_the_other_node()
    {
        var other = Pair.CreateNode();
        await Bounded(other.StartAsync(Token));
        await Bounded(other.JoinAsync(Network, Token));
        await Bounded(other.WaitForNetworkAsync(Network, Token));
        await Bounded(other.WaitForOnlineAsync(Token));
        using var subscription = other.Subscribe();
        await using var listener = await Listen();

        await using var connection = await Bounded(other.ConnectAsync(On(Server, listener.EndPoint.Port), Token));
        var server = Server.Id;
        var events = await ReadUntil(subscription, e => e.Peer == server);

        Assert.True(
            events[^1].Code is ZeroTierEventCode.PeerDirect or ZeroTierEventCode.PeerRelay or ZeroTierEventCode.PeerPathDiscovered,
            events[^1].ToString());
        Assert.Contains(other.Peers, p => p.Id == server);
    }

    [Fact]
    public async Task Slow_subscriber_delays_nobody_and_loses_only_its_own()
    {
        var node = Pair.CreateNode();
        using var slow = node.Subscribe(1);
        using var quick = node.Subscribe();

        await Bounded(node.StartAsync(Token));
        await Bounded(node.JoinAsync(Network, Token));
        var events = await ReadUntil(quick, ZeroTierEventCode.NetworkOk);

        Assert.Equal(0, quick.Dropped);
        Assert.True(slow.Dropped >= events.Count - 1, $"{slow.Dropped} of {events.Count} events were dropped.");
        Assert.Equal(ZeroTierEventCode.NodeUp, (await ReadUntil(slow, ZeroTierEventCode.NodeUp))[0].Code);
    }

    [Fact]
    public async Task Subscription_outlives_a_stop_and_ends_with_the_node()
    {
        var node = Pair.CreateNode();
        using var subscription = node.Subscribe();
        await Bounded(node.StartAsync(Token));
        await Bounded(node.StopAsync(Token));
        await Bounded(node.StartAsync(Token));
        await Bounded(node.DisposeAsync());

        int ups = 0;
        await foreach (var item in subscription.ReadAllAsync(Token))
        {
            ups += item.Code == ZeroTierEventCode.NodeUp ? 1 : 0;
        }

        Assert.Equal(2, ups);
    }

    private static string Text(IEnumerable<ZeroTierEventCode> codes) => string.Join(", ", codes);

    private Task<List<ZeroTierEvent>> ReadUntil(IZeroTierEventSubscription subscription, ZeroTierEventCode last) =>
        ReadUntil(subscription, e => e.Code == last);

    private async Task<List<ZeroTierEvent>> ReadUntil(IZeroTierEventSubscription subscription, Predicate<ZeroTierEvent> last)
    {
        var events = new List<ZeroTierEvent>();
        await foreach (var item in subscription.ReadAllAsync(Token))
        {
            events.Add(item);
            if (last(item))
            {
                return events;
            }
        }

        throw new Xunit.Sdk.XunitException($"The subscription ended after: {Text(events.Select(e => e.Code))}.");
    }
}
