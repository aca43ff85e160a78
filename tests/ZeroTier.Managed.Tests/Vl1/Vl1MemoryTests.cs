using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>
/// Nodes that start with peers in their memory: without a root, before the others, and where the others look for them elsewhere.
/// </summary>
public sealed class Vl1MemoryTests
{
    [Fact]
    public void Without_a_root_remembered_peers_find_each_other_and_nobody_calls_himself_online()
    {
        using var net = new Vl1Simulation();
        var (client, server) = KnowEachOther(net);
        client.Start();
        server.Start();

        client.SendFrame(server, 5);
        Assert.True(net.RunUntil(() => server.Client.Frames.Any(frame => frame is [5]), 1));
        server.SendFrame(client, 6);
        Assert.True(net.RunUntil(() => client.Client.Frames.Any(frame => frame is [6]), 1));
        net.Advance(60);

        Assert.True(client.IsDirectTo(server));
        Assert.False(client.Node.IsOnline || server.Node.IsOnline);
        Assert.Empty(client.Client.Online);
    }

    [Fact]
    public void Without_a_root_a_peer_that_starts_later_is_reached_within_two_seconds()
    {
        using var net = new Vl1Simulation();
        var (client, server) = KnowEachOther(net);
        client.Start();
        net.Advance(10);

        // As TCP repeats a SYN: the first ones find nobody.
        client.SendFrame(server, 1);
        net.Advance(1);
        client.SendFrame(server, 2);
        net.Advance(1);
        server.Known = [];
        server.Start();
        client.SendFrame(server, 3);

        Assert.True(net.RunUntil(() => server.Client.Frames.Any(frame => frame is [3]), 2), "not reached");
    }

    [Fact]
    public void Without_a_root_greetings_are_sent_once_a_second_at_most()
    {
        using var net = new Vl1Simulation();
        var (client, server) = KnowEachOther(net);
        client.Start();
        net.Advance(1);
        int greetings = 0;
        net.Network.Capture = (in VirtualDatagram datagram) => greetings += datagram.Destination == Place(server) ? 1 : 0;

        for (int i = 0; i < 1000; i++)
        {
            client.SendFrame(server, 1);
            net.Advance(0.01);
        }

        Assert.InRange(greetings, 9, 11);
    }

    [Fact]
    public void A_peer_that_was_away_for_a_whole_run_is_remembered_with_its_places()
    {
        using var net = new Vl1Simulation();
        var (client, server) = KnowEachOther(net);
        client.Start();
        client.SendFrame(server, 1);
        net.Advance(700);

        var known = Assert.Single(client.Node.GetPersistentPeers());

        Assert.Equal(server.Id, known.Identity.Address);
        Assert.Equal([Place(server)], known.EndPoints);
    }

    [Fact]
    public void A_peer_whose_paths_have_expired_is_remembered_with_its_last_places()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);
        server.Stop();
        net.Advance(300);

        Assert.Empty(client.PeerOf(server).Paths);
        Assert.Equal([Place(server)], client.Node.GetPersistentPeer(server.Id)!.EndPoints);
    }

    [Fact]
    public void Everybody_is_greeted_again_after_the_19_seconds_in_which_a_new_port_is_ignored()
    {
        using var net = new Vl1Simulation();
        var (client, server) = KnowEachOther(net);
        server.Start();
        const ushort NewPort = 12345;
        var again = net.Add(2, client.Planet, client.Host, node => node.Known = client.Known, port: NewPort);
        var start = net.Clock.Elapsed;
        var greetings = new List<double>();
        var root = Vl1Simulation.EndPoint("10.0.0.1");
        var toRoot = new List<double>();
        net.Network.Capture = (in VirtualDatagram datagram) =>
        {
            bool hello = datagram.Data.Length > 100 && PacketHeader.Suite(datagram.Data.ToArray()) == (int)CipherSuite.Poly1305;
            if (hello && datagram.Source.Port == NewPort)
            {
                (datagram.Destination == root ? toRoot : greetings).Add((net.Clock.Elapsed - start).TotalSeconds);
            }
        };
        net.Advance(25);

        // A ZeroTierOne 1.12 node takes its path for alive for 19 s after the last packet, which came before this start.
        Assert.Contains(greetings, time => time is > 19 and < 19.9);
        Assert.Contains(toRoot, time => time is > 19 and < 19.9);
        Assert.True(again.IsDirectTo(server));
    }

    private static InetEndPoint Place(SimulatedNode node) => node.Host.Addresses[0].WithPort(Vl1Simulation.Port);

    // Two leaves that had a direct path; then they and the root ended.
    private static (SimulatedNode Client, SimulatedNode Server) KnowEachOther(Vl1Simulation net)
    {
        var (root, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);
        client.Known = client.Node.GetPersistentPeers();
        server.Known = server.Node.GetPersistentPeers();
        client.Stop();
        server.Stop();
        root.Stop();
        net.Advance(30);
        client.Client.Online.Clear();
        server.Client.Online.Clear();
        return (client, server);
    }
}
