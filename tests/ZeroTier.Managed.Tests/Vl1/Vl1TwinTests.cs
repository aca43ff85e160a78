using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Two nodes with one identity find out; one that restarts, moves or has several addresses is never taken for two.</summary>
public sealed class Vl1TwinTests
{
    [Theory]
    [InlineData("10.0.0.2", (ushort)20001)]
    [InlineData("10.0.0.9", Vl1Simulation.Port)]
    public void Two_nodes_with_one_identity_both_find_out(string address, ushort port)
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        net.Add(0, planet, "10.0.0.1");
        var host = net.Network.AddHost("first", "10.0.0.2");
        var first = net.Add(1, planet, host);
        Assert.True(net.RunUntil(() => first.Node.IsOnline, 5));
        net.Advance(100);
        Assert.Empty(first.Client.Twins);

        var second = net.Add(1, planet, address == "10.0.0.2" ? host : net.Network.AddHost("second", address), port: port);

        Assert.True(net.RunUntil(() => first.Client.Twins.Count > 0, 35), "the one that was there first does not know");
        Assert.True(net.RunUntil(() => second.Client.Twins.Count > 0, 30), "the newcomer does not know");
        Assert.Equal(Vl1Simulation.EndPoint(address, port), first.Client.Twins[0]);
        Assert.Equal(Vl1Simulation.EndPoint("10.0.0.2"), second.Client.Twins[0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_node_that_restarts_again_and_again_is_alone(bool samePort)
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        net.Add(0, planet, "10.0.0.1");
        var host = net.Network.AddHost("node", "10.0.0.2");
        var random = new SeededRandom(3);
        for (ushort i = 0; i < 30; i++)
        {
            var node = net.Add(1, planet, host, port: samePort ? Vl1Simulation.Port : (ushort)(20000 + i));
            net.Advance(1 + random.Next(40_000) / 1000.0);
            Assert.Empty(node.Client.Twins);
            node.Stop();
            net.Nodes.Remove(node);
        }
    }

    [Fact]
    public void A_node_with_several_addresses_and_a_new_one_is_alone()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1", "fd00::1");
        net.Add(0, planet, net.Network.AddHost("root", "10.0.0.1", "fd00::9"));
        net.Add(1, planet, net.Network.AddHost("other root", "fd00::1", "10.0.0.8"));
        var host = net.Network.AddHost("node", "10.0.0.2", "fd00::2");
        var node = net.Add(2, planet, host);
        net.Advance(100);
        host.LoseAddress("10.0.0.2");
        host.GainAddress("10.0.0.77");
        net.Advance(100);

        Assert.Empty(node.Client.Twins);
        Assert.True(node.Node.IsOnline);
    }

    [Fact]
    public void A_root_that_was_held_up_and_hears_the_former_self_late_is_no_reason_to_warn()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        var root = net.Add(0, planet, "10.0.0.1");
        var host = net.Network.AddHost("node", "10.0.0.2");
        var former = net.Add(1, planet, host);
        net.Advance(20);

        // What is sent to the root arrives all at one moment, 44 s from now.
        var resumes = net.Clock.Elapsed + TimeSpan.FromSeconds(44);
        SimulatedNode again = former;
        for (int second = 0; second < 44; second++)
        {
            if (second == 6)
            {
                former.Stop();
                net.Nodes.Remove(former);
                again = net.Add(1, planet, host, port: 12345);
            }

            net.Network.SetOneWayLink(host, root.Host, new VirtualLink { Delay = resumes - net.Clock.Elapsed });
            net.Advance(1);
        }

        net.Network.SetOneWayLink(host, root.Host, null);
        net.Advance(100);

        Assert.True(again.Node.IsOnline);
        Assert.Empty(again.Client.Twins);
    }

    [Fact]
    public void Nobody_but_a_root_is_believed_and_once_is_not_enough()
    {
        using var net = new Vl1Simulation();
        var (root, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);
        net.Advance(30);
        var liar = server.PeerOf(client);
        Assert.NotNull(liar.Route.Path);
        for (int i = 0; i < 10; i++)
        {
            server.Node.Send(client.Id, Verb.Rendezvous, Introduction(client, "10.0.0.66"));
            net.Advance(10);
        }

        Assert.Empty(client.Client.Twins);
        root.Node.Send(client.Id, Verb.Rendezvous, Introduction(client, "10.0.0.66"));
        net.Advance(5);
        Assert.Empty(client.Client.Twins);
        root.Node.Send(client.Id, Verb.Rendezvous, Introduction(client, "10.0.0.3"));
        net.Advance(10);
        Assert.Empty(client.Client.Twins);
        root.Node.Send(client.Id, Verb.Rendezvous, Introduction(client, "10.0.0.66"));
        net.Advance(1);
        Assert.Single(client.Client.Twins);
    }

    // A ZeroTierOne 1.12 root that relays such a packet answers nobody any more.
    [Fact]
    public void No_packet_goes_from_an_address_to_itself_and_no_root_relays_one()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1", "10.0.0.8");
        net.Add(0, planet, "10.0.0.1");
        net.Add(1, planet, "10.0.0.8");
        var node = net.Add(2, planet, "10.0.0.2");
        int toItself = 0;
        bool forged = false;
        net.Network.Capture = (in VirtualDatagram datagram) =>
        {
            bool own = datagram.Data.Length >= PacketHeader.Size
                && !Fragments.IsFragment(datagram.Data)
                && PacketHeader.Source(datagram.Data) == PacketHeader.Destination(datagram.Data);
            toItself += own && !(forged && datagram.Source == Vl1Simulation.EndPoint("10.0.0.66")) ? 1 : 0;
        };
        net.Add(2, planet, "10.0.0.9");
        net.Advance(200);
        Assert.Equal(0, toItself);

        forged = true;
        var attacker = net.Network.AddHost("attacker", "10.0.0.66").Open(Vl1Simulation.Port);
        foreach (ulong address in (ulong[])[node.Id.Value, 0x1234567890])
        {
            var packet = new byte[100];
            PacketHeader.Write(packet, new byte[8], new NodeId(address), new NodeId(address), Verb.Frame);
            attacker.Send(0, Vl1Simulation.EndPoint("10.0.0.1"), packet, packet.Length);
        }

        net.Advance(5);
        Assert.Equal(0, toItself);
    }

    private static byte[] Introduction(SimulatedNode node, string place)
    {
        byte[] payload = new byte[RendezvousMessage.MaxSize];
        return payload[..new RendezvousMessage(node.Id, Vl1Simulation.EndPoint(place)).Write(payload)];
    }
}
