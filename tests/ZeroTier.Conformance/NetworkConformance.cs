namespace ZeroTier.Conformance;

/// <summary>Joining, leaving, waiting.</summary>
public abstract class NetworkConformance<TEngine> : ConformanceTest<TEngine>
    where TEngine : IConformanceEngine, new()
{
    [Fact]
    public async Task Join_before_the_start_is_done_at_the_start()
    {
        var node = Pair.CreateNode();

        await Bounded(node.JoinAsync(Network, Token));
        await Bounded(node.StartAsync(Token));
        var network = await Bounded(node.WaitForNetworkAsync(Network, Token));

        Assert.True(network.IsReady);
        Assert.Equal(Network, network.Id);
    }

    [Fact]
    public async Task Join_twice_does_nothing()
    {
        await Bounded(Server.JoinAsync(Network, Token));

        Assert.Equal([Network], Server.Networks.Select(n => n.Id));
    }

    [Fact]
    public async Task Join_several_networks_keeps_their_order()
    {
        await Bounded(Server.JoinAsync(Pair.OtherNetwork, Token));
        await Bounded(Server.WaitForNetworkAsync(Pair.OtherNetwork, Token));

        Assert.Equal([Network, Pair.OtherNetwork], Server.Networks.Select(n => n.Id));
    }

    [Fact]
    public void Ready_network_has_addresses_ethernet_address_and_mtu()
    {
        var network = Assert.Single(Server.Networks);

        Assert.Equal(ZeroTierNetworkStatus.Ok, network.Status);
        Assert.NotEmpty(network.Addresses);
        Assert.Matches("^([0-9a-f]{2}:){5}[0-9a-f]{2}$", network.Mac);
        Assert.InRange(network.Mtu, 1280, 10000);
        Assert.Null(network.Detail);
    }

    [Fact]
    public async Task A_network_tells_nothing_that_it_was_not_told()
    {
        var network = Assert.Single(Server.Networks);
        Assert.Empty(network.Routes);
        Assert.Null(network.Dns);
        Assert.Null(network.LoginUrl);

        // Members of an ad-hoc network have no credentials, so nothing is proven, not even where packets flow.
        var (client, server) = await Connect();
        Assert.Null(Server.GetMembership(Network, Client.Id));
        Assert.Null(Server.GetMembership(Pair.OtherNetwork, Client.Id));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Hosts_are_found_by_address_and_by_the_names_that_networks_know()
    {
        var address = AddressOf(Server);
        Assert.Equal(
            [new ZeroTierEndPoint(Network, address, 80)], await Bounded(ZeroTierName.ResolveAsync(Client, address.ToString(), 80, Token)));
        Assert.Equal(
            [new ZeroTierEndPoint(Network, Network.GetSixPlaneAddress(Server.Id), 81)],
            await Bounded(ZeroTierName.ResolveAuthorityAsync(Client, $"{ZeroTierName.Of(Server.Id, Network)}:81", Token)));
        var error = await Fails(
            ZeroTierError.AddressNotAvailable, () => ZeroTierName.ResolveAsync(Client, "www.example.org", 80, Token).AsTask());
        Assert.Contains("www.example.org", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_for_network_not_joined_fails() =>
        await Fails(ZeroTierError.NetworkNotJoined, () => Server.WaitForNetworkAsync(Pair.OtherNetwork, Token));

    [Fact]
    public async Task Wait_for_network_that_cannot_work_fails_with_the_reason()
    {
        await Bounded(Server.JoinAsync(Pair.ImpossibleNetwork, Token));

        var error = await Fails(ZeroTierError.NetworkUnavailable, () => Server.WaitForNetworkAsync(Pair.ImpossibleNetwork, Token));

        Assert.Contains(Pair.ImpossibleNetwork.ToString(), error.Message, StringComparison.Ordinal);
        Assert.NotNull(Server.Networks.Single(n => n.Id == Pair.ImpossibleNetwork).Detail);
    }

    [Fact]
    public async Task Leave_unknown_network_does_nothing()
    {
        await Bounded(Server.LeaveAsync(Pair.OtherNetwork, Token));

        Assert.Equal([Network], Server.Networks.Select(n => n.Id));
    }

    [Fact]
    public async Task Leave_listeners_close_and_connections_are_reset()
    {
        await using var listener = await Listen();
        var (client, server) = await Connect(listener);
        var accepting = listener.AcceptAsync(Token);

        await Bounded(Server.LeaveAsync(Network, Token));

        Assert.Empty(Server.Networks);
        Assert.Null(await Bounded(accepting));
        Assert.NotNull(await Bounded(server.ReceiveEnded));
        Assert.NotNull(await Bounded(client.ReceiveEnded));
        await Fails(ZeroTierError.NetworkNotJoined, () => Server.ListenAsync(new ZeroTierEndPoint(Network, 0), Token).AsTask());
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Leave_and_rejoin_traffic_flows_again()
    {
        await Bounded(Server.LeaveAsync(Network, Token));
        await Bounded(Server.JoinAsync(Network, Token));
        await Bounded(Server.WaitForNetworkAsync(Network, Token));
        var (client, server) = await Connect();

        await Send(server, new byte[] { 7 });

        Assert.Equal([7], await Receive(client, 1));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Wait_for_online_root_answers_ends()
    {
        var node = Pair.CreateNode();
        await Bounded(node.StartAsync(Token));

        await Bounded(node.WaitForOnlineAsync(Token));

        Assert.True(node.IsOnline);

        // An engine may hear of its peers by events, which come a moment later.
        await Until(() => node.Peers.Any(p => p.Role == ZeroTierPeerRole.Planet && p.IsDirect));
    }

    [Fact]
    public async Task Waits_cancelled_end_and_the_node_goes_on()
    {
        var node = Pair.CreateNode();
        await Bounded(node.StartAsync(Token));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(node.WaitForOnlineAsync(cancelled.Token)));
        await Bounded(node.WaitForOnlineAsync(Token));
    }
}
