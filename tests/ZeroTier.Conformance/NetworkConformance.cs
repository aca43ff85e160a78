namespace ZeroTier.Conformance;

/// <summary>Joining, leaving, waiting.</summary>
public abstract class NetworkConformance<TEngine> : ConformanceTest<TEngine>
    where TEngine : IConformanceEngine, new()
{
    [Fact]
    public async Task Join_BeforeTheStart_IsDoneAtTheStart()
    {
        var node = Pair.CreateNode();

        await Bounded(node.JoinAsync(Network, Token));
        await Bounded(node.StartAsync(Token));
        var network = await Bounded(node.WaitForNetworkAsync(Network, Token));

        Assert.True(network.IsReady);
        Assert.Equal(Network, network.Id);
    }

    [Fact]
    public async Task Join_Twice_DoesNothing()
    {
        await Bounded(Server.JoinAsync(Network, Token));

        Assert.Equal([Network], Server.Networks.Select(n => n.Id));
    }

    [Fact]
    public async Task Join_SeveralNetworks_KeepsTheirOrder()
    {
        await Bounded(Server.JoinAsync(Pair.OtherNetwork, Token));
        await Bounded(Server.WaitForNetworkAsync(Pair.OtherNetwork, Token));

        Assert.Equal([Network, Pair.OtherNetwork], Server.Networks.Select(n => n.Id));
    }

    [Fact]
    public void ReadyNetwork_HasAddressesEthernetAddressAndMtu()
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
        Assert.Equal([new ZeroTierEndPoint(Network, address, 80)], await Bounded(ZeroTierName.ResolveAsync(Client, address.ToString(), 80, Token)));
        Assert.Equal(
            [new ZeroTierEndPoint(Network, Network.GetSixPlaneAddress(Server.Id), 81)],
            await Bounded(ZeroTierName.ResolveAuthorityAsync(Client, $"{ZeroTierName.Of(Server.Id, Network)}:81", Token)));
        var error = await Fails(ZeroTierError.AddressNotAvailable, () => ZeroTierName.ResolveAsync(Client, "www.example.org", 80, Token).AsTask());
        Assert.Contains("www.example.org", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WaitForNetwork_NotJoined_Fails() =>
        await Fails(ZeroTierError.NetworkNotJoined, () => Server.WaitForNetworkAsync(Pair.OtherNetwork, Token));

    [Fact]
    public async Task WaitForNetwork_ThatCannotWork_FailsWithTheReason()
    {
        await Bounded(Server.JoinAsync(Pair.ImpossibleNetwork, Token));

        var error = await Fails(ZeroTierError.NetworkUnavailable, () => Server.WaitForNetworkAsync(Pair.ImpossibleNetwork, Token));

        Assert.Contains(Pair.ImpossibleNetwork.ToString(), error.Message, StringComparison.Ordinal);
        Assert.NotNull(Server.Networks.Single(n => n.Id == Pair.ImpossibleNetwork).Detail);
    }

    [Fact]
    public async Task Leave_UnknownNetwork_DoesNothing()
    {
        await Bounded(Server.LeaveAsync(Pair.OtherNetwork, Token));

        Assert.Equal([Network], Server.Networks.Select(n => n.Id));
    }

    [Fact]
    public async Task Leave_ListenersCloseAndConnectionsAreReset()
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
    public async Task LeaveAndRejoin_TrafficFlowsAgain()
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
    public async Task WaitForOnline_RootAnswers_Ends()
    {
        var node = Pair.CreateNode();
        await Bounded(node.StartAsync(Token));

        await Bounded(node.WaitForOnlineAsync(Token));

        Assert.True(node.IsOnline);

        // An engine may hear of its peers by events, which come a moment later.
        await Until(() => node.Peers.Any(p => p.Role == ZeroTierPeerRole.Planet && p.IsDirect));
    }

    [Fact]
    public async Task Waits_Cancelled_EndAndTheNodeGoesOn()
    {
        var node = Pair.CreateNode();
        await Bounded(node.StartAsync(Token));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(node.WaitForOnlineAsync(cancelled.Token)));
        await Bounded(node.WaitForOnlineAsync(Token));
    }
}
