using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Nodes on machines whose addresses change while they run: another network, another prefix, none for a while.</summary>
public sealed class Vl1MoveTests
{
    /// <summary>
    /// Whatever the keepalives would do sooner or later: a quarter of a second after the tick that sees the change, everybody knows.
    /// </summary>
    [Theory]
    [InlineData(0, 0, 10)]
    [InlineData(0, 2.2, 10)]
    [InlineData(0, 4.4, 40)]
    [InlineData(100, 0, 40)]
    [InlineData(100, 1.1, 10)]
    [InlineData(100, 3.3, 40)]
    public void Leaf_that_moves_to_another_address_is_reached_there_at_once_and_soon_directly(
        int secondsBefore, double phase, int millisecondsAfter)
    {
        using var net = new Vl1Simulation();
        var (root, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);
        for (int i = 0; i < secondsBefore; i++)
        {
            client.SendFrame(server, 1);
            server.SendFrame(client, 1);
            net.Advance(1);
        }

        net.Advance(phase);
        Move(server, "10.0.0.2", "10.7.7.7");
        net.Network.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(millisecondsAfter) };
        net.Advance(0.75);
        Assert.Equal(Vl1Simulation.EndPoint("10.7.7.7"), root.PeerOf(server).Route.Path?.EndPoint);
        Assert.NotNull(client.PeerOf(server).FindPath(0, Vl1Simulation.EndPoint("10.7.7.7")));
        for (int i = 0; i < 8; i++)
        {
            client.SendFrame(server, (byte)(100 + i));
            server.SendFrame(client, 2);
            net.Advance(0.5);
        }

        Assert.Contains(server.Client.Frames, frame => frame is [107]);
        Assert.Equal(Vl1Simulation.EndPoint("10.7.7.7"), client.PeerOf(server).Route.Path?.EndPoint);
        Assert.True(server.IsDirectTo(client));
        Assert.Equal([true], server.Client.Online);
    }

    [Fact]
    public void Leaf_that_moves_out_of_reach_of_a_peer_goes_through_the_root_at_once()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);

        net.Network.Block(server.Host, client.Host);
        Move(server, "10.0.0.2", "10.7.7.7");
        net.Advance(0.75);
        server.SendFrame(client, 5);
        Assert.True(net.RunUntil(() => client.Client.Frames.Any(frame => frame is [5]), 0.1), "sent into the void");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Leaf_tells_nobody_an_address_that_it_has_lost(bool moves)
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        var root = net.Add(0, planet, "10.0.0.1");
        var server = net.Add(1, planet, net.Network.AddHost("server", "10.0.0.2", "10.0.1.2"));
        net.Advance(3);
        var third = net.Add(2, planet, "10.0.0.4");
        Assert.True(net.RunUntil(() => server.Node.IsOnline && third.Node.IsOnline, 30));

        server.Host.LoseAddress("10.0.0.2");
        if (moves)
        {
            server.Host.GainAddress("10.7.7.7");
        }

        // The root takes the lost address for alive for 19 s, and would introduce others to it.
        net.Advance(20);
        int asked = 0;
        net.Network.Capture = (in VirtualDatagram datagram) => asked += datagram.Source == Vl1Simulation.EndPoint("10.0.0.4")
            && datagram.Destination == Vl1Simulation.EndPoint("10.0.0.2") ? 1 : 0;
        net.Network.Block(server.Host, third.Host);
        for (int i = 0; i < 40; i++)
        {
            third.SendFrame(server, 1);
            server.SendFrame(third, 1);
            net.Advance(0.5);
        }

        Assert.True(root.Node.IsOnline && server.Client.Frames.Any());
        Assert.Equal(0, asked);
    }

    [Fact]
    public void Leaf_without_an_address_for_a_minute_is_back_at_once_when_it_has_one()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);

        server.Host.LoseAddress("10.0.0.2");
        net.Advance(62.2);
        Assert.Equal([true, false], server.Client.Online);
        Assert.False(server.IsDirectTo(client));

        server.Host.GainAddress("10.8.8.8");
        Assert.True(net.RunUntil(() => server.Node.IsOnline, 0.6), "not online again");
        client.SendFrame(server, 9);
        Assert.True(net.RunUntil(() => server.Client.Frames.Any(frame => frame is [9]), 1), "not reached");
        Vl1NetworkTests.Connect(net, server, client);
    }

    [Fact]
    public void Losing_one_of_two_addresses_leaves_the_paths_of_the_other_and_a_new_one_is_told_to_members()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        net.Add(0, planet, "10.0.0.1");
        var server = net.Add(1, planet, net.Network.AddHost("server", "10.0.0.2", "10.0.1.2"));
        net.Advance(3);
        var client = net.Add(2, planet, "10.0.0.3");
        Assert.True(net.RunUntil(() => server.Node.IsOnline && client.Node.IsOnline, 30));
        Vl1NetworkTests.Connect(net, server, client);
        net.Advance(1);
        Assert.NotNull(server.PeerOf(client).FindPath(0, Vl1Simulation.EndPoint("10.0.0.3")));

        server.Host.LoseAddress("10.0.0.2");
        net.Advance(1);
        Assert.Null(server.PeerOf(client).FindPath(0, Vl1Simulation.EndPoint("10.0.0.3")));
        server.SendFrame(client, 3);
        Assert.True(net.RunUntil(() => client.Client.Frames.Any(frame => frame is [3]), 1), "not reached over the other address");

        // A packet of the client is answered with the addresses that the server now has.
        server.Host.GainAddress("10.9.9.9");
        net.Advance(1);
        client.SendFrame(server, 4);
        Assert.True(
            net.RunUntil(() => client.PeerOf(server).FindPath(0, Vl1Simulation.EndPoint("10.9.9.9")) is not null, 1),
            "the member was not told the address");
        Assert.Equal([true], server.Client.Online);
    }

    [Fact]
    public void Root_that_gains_an_address_is_not_taken_for_a_leaf_and_serves_on()
    {
        using var net = new Vl1Simulation();
        var (root, server, client) = Vl1NetworkTests.Triangle(net);
        root.Host.GainAddress("10.6.6.6");
        net.Advance(2);
        client.SendFrame(server, 4);
        Assert.True(net.RunUntil(() => server.Client.Frames.Any(frame => frame is [4]), 1));
        Assert.True(root.Node.IsRoot && root.Node.IsOnline);
    }

    private static void Move(SimulatedNode node, string from, string to)
    {
        node.Host.LoseAddress(from);
        node.Host.GainAddress(to);
    }
}
