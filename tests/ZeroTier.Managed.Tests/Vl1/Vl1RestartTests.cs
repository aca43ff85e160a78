using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Nodes that end and come back, with another port or without a memory, among nodes that know them from before.</summary>
public sealed class Vl1RestartTests
{
    [Fact]
    public void Root_restarts_with_remembered_peers_WhoisWorksAtOnce_LeavesStayOnline()
    {
        using var net = new Vl1Simulation();
        var (root, server, client) = Vl1NetworkTests.Triangle(net);
        net.Advance(60);
        root.Known = root.Node.GetPersistentPeers();
        root.Stop();
        net.Advance(2);
        root.Start();
        Assert.True(net.RunUntil(() => root.IsDirectTo(server) && root.IsDirectTo(client), 6), "leaves not back");
        client.SendFrame(server, 5);
        Assert.True(net.RunUntil(() => server.Client.Frames.Any(), 1));
        Assert.Equal([true], client.Client.Online);
    }

    [Fact]
    public void Root_restarts_without_memory_LeavesComeBackWithin20Seconds()
    {
        using var net = new Vl1Simulation();
        var (root, server, client) = Vl1NetworkTests.Triangle(net);
        net.Advance(60);
        root.Stop();
        net.Advance(1);
        root.Start();
        Assert.True(net.RunUntil(() => root.IsDirectTo(server) && root.IsDirectTo(client), 20), "leaves not back");
        Assert.Equal([true], client.Client.Online);
    }

    [Fact]
    public void Leaf_that_restarts_on_another_port_is_reached_again_at_once()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        var root = net.Add(0, planet, "10.0.0.1");
        var host = net.Network.AddHost("server", "10.0.0.2");
        var server = net.Add(1, planet, host);
        net.Advance(3);
        var client = net.Add(2, planet, "10.0.0.3");
        Assert.True(net.RunUntil(() => server.Node.IsOnline && client.Node.IsOnline, 30));
        Vl1NetworkTests.Connect(net, server, client);
        server.Stop();
        net.Nodes.Remove(server);
        var again = net.Add(1, planet, host, port: 12345);
        Assert.True(net.RunUntil(() => again.Node.IsOnline, 1));
        net.Advance(0.2);
        Assert.Equal((ushort)12345, root.PeerOf(again).Route.Path!.EndPoint.Port);

        // The client still takes the old port for alive; a frame through the root makes it doubt that.
        again.SendFrame(client, 5);
        Assert.True(net.RunUntil(() => client.Client.Frames.Any(frame => frame is [5]), 1));
        client.SendFrame(again, 6);
        Assert.True(net.RunUntil(() => again.Client.Frames.Any(frame => frame is [6]), 1));
        for (int i = 0; i < 40 && !(again.IsDirectTo(client) && client.IsDirectTo(again)); i++)
        {
            client.SendFrame(again, 7);
            again.SendFrame(client, 7);
            net.Advance(1);
        }

        Assert.True(again.IsDirectTo(client) && client.IsDirectTo(again));
    }

    [Fact]
    public void The_first_packet_of_a_restarted_peer_is_answered_to_where_it_is_now()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        net.Add(0, planet, "10.0.0.1");
        var host = net.Network.AddHost("client", "10.0.0.2");
        var client = net.Add(1, planet, host);
        net.Advance(3);
        var server = net.Add(2, planet, "10.0.0.3");
        Assert.True(net.RunUntil(() => server.Node.IsOnline && client.Node.IsOnline, 30));
        Vl1NetworkTests.Connect(net, server, client);
        client.Stop();
        net.Nodes.Remove(client);
        var again = net.Add(1, planet, host, port: 12345);
        Assert.True(net.RunUntil(() => again.Node.IsOnline, 1));
        net.Advance(0.1);

        // The answer leaves while the packet is handled, as an ICMP echo reply does.
        server.Client.Judge = (peer, verb) =>
        {
            server.Node.Send(peer.Id, Verb.Frame, [9]);
            return PacketResult.Trusted;
        };
        again.SendFrame(server, 5);

        Assert.True(net.RunUntil(() => again.Client.Frames.Any(frame => frame is [9]), 1), "the answer went to the old port");
    }

    [Fact]
    public void A_restarted_node_tells_remembered_peers_where_it_is_before_they_send()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        net.Add(0, planet, "10.0.0.1");
        var host = net.Network.AddHost("server", "10.0.0.2");
        var server = net.Add(1, planet, host);
        net.Advance(3);
        var client = net.Add(2, planet, "10.0.0.3");
        Assert.True(net.RunUntil(() => server.Node.IsOnline && client.Node.IsOnline, 30));
        Vl1NetworkTests.Connect(net, server, client);
        var known = server.Node.GetPersistentPeers();
        server.Stop();
        net.Nodes.Remove(server);
        var again = net.Add(1, planet, host, node => node.Known = known, port: 12345);
        net.Advance(0.5);

        client.SendFrame(again, 6);

        Assert.True(net.RunUntil(() => again.Client.Frames.Any(frame => frame is [6]), 0.5), "the frame went to the old port");
    }

    [Fact]
    public void Root_on_loopback_that_restarts_without_memory_knows_its_leaves_within_two_seconds()
    {
        using var net = new Vl1Simulation();
        var host = net.Network.AddHost("here", "127.0.0.1");
        var planet = net.CreatePlanet("127.0.0.1");
        var root = net.Add(0, planet, host);
        var leaves = Enumerable.Range(1, 3).Select(i => net.Add(i, planet, host, port: (ushort)(20000 + i))).ToArray();
        net.Advance(61);
        root.Stop();
        net.Advance(0.7);
        root.Start();
        Assert.True(net.RunUntil(() => leaves.All(root.IsDirectTo), 1.3), "leaves not back");
        Assert.All(leaves, leaf => Assert.Equal([true], leaf.Client.Online));
    }

    [Fact]
    public void Leaf_with_paths_of_both_families_that_restarts_on_another_port_is_reached_within_three_seconds()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        net.Add(0, planet, "10.0.0.1");
        var host = net.Network.AddHost("server", "10.0.0.2", "fd00::2");
        var server = net.Add(1, planet, host);
        net.Advance(3);
        var client = net.Add(2, planet, net.Network.AddHost("client", "10.0.0.3", "fd00::3"));
        Assert.True(net.RunUntil(() => server.Node.IsOnline && client.Node.IsOnline, 30));
        Vl1NetworkTests.Connect(net, server, client);
        Assert.True(net.RunUntil(() => client.PeerOf(server).Paths.Length == 2, 60), "no second path");
        server.Stop();
        net.Nodes.Remove(server);
        var again = net.Add(1, planet, host, port: 12345);
        Assert.True(net.RunUntil(() => again.Node.IsOnline, 5));

        // As TCP repeats a SYN: nothing else tells the client that the other end has moved, and it has two paths that seem alive.
        client.SendFrame(again, 1);
        net.Advance(1);
        client.SendFrame(again, 2);
        net.Advance(2);
        client.SendFrame(again, 3);
        Assert.True(net.RunUntil(() => again.Client.Frames.Any(frame => frame is [3]), 0.5));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Leaf_that_restarts_many_times_in_a_row_on_other_ports_is_reached_within_three_seconds(bool busy)
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        net.Add(0, planet, "10.0.0.1");
        var host = net.Network.AddHost("server", "10.0.0.2");
        var server = net.Add(1, planet, host);
        net.Advance(3);
        var client = net.Add(2, planet, "10.0.0.3");
        Assert.True(net.RunUntil(() => server.Node.IsOnline && client.Node.IsOnline, 30));
        Vl1NetworkTests.Connect(net, server, client);
        const ushort Last = 12345 + 20;
        for (ushort port = 12345; port <= Last; port++)
        {
            server.Stop();
            net.Nodes.Remove(server);
            var again = server = net.Add(1, planet, host, port: port);
            Assert.True(net.RunUntil(() => again.Node.IsOnline, 5), $"not online on port {port}");
            if (!busy && port != Last)
            {
                net.Advance(1);
                continue;
            }

            // As TCP repeats a SYN.
            client.SendFrame(again, 1);
            net.Advance(1);
            client.SendFrame(again, 2);
            net.Advance(2);
            client.SendFrame(again, 3);
            Assert.True(net.RunUntil(() => again.Client.Frames.Any(frame => frame is [3]), 0.5), $"not reached on port {port}");
        }
    }
}
