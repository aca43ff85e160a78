using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>
/// Nodes on paths that carry less than 1,432 bytes and tell nobody (RFC 8899): every packet arrives, whichever way it takes.
/// </summary>
public sealed class Vl1PathMtuTests
{
    private const int Large = 2838;

    [Fact]
    public void Path_of_the_usual_size_is_used_one_round_trip_after_its_first_packet_and_costs_four_probes()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        var (a, b) = (client.Host.Addresses[0].WithPort(Vl1Simulation.Port), server.Host.Addresses[0].WithPort(Vl1Simulation.Port));
        var sizes = Capture(net, a, b);
        Vl1NetworkTests.Connect(net, server, client);
        Assert.DoesNotContain(sizes, size => size > PathMtu.Base);

        Send(client, server, 100);
        Assert.Equal(PathMtu.Base, client.PeerOf(server).Route.Path!.Mtu.Size);
        net.Advance(0.021);
        Assert.Equal(Fragments.Mtu, client.PeerOf(server).Route.Path!.Mtu.Size);
        Assert.Single(sizes, Fragments.Mtu);

        // No traffic, no probes but those that search for more.
        net.Advance(400);
        Assert.Single(sizes, Fragments.Mtu);
        Assert.Equal(3, sizes.Count(size => size == PathMtu.Max));
    }

    [Fact]
    public void Jumbo_frames_carry_a_whole_frame_in_one_datagram_two_round_trips_after_the_first_packet()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Narrow(net, client, server, 8952, 8952);
        Vl1NetworkTests.Connect(net, server, client);
        Send(client, server, 100);
        net.Advance(0.041);
        Assert.Equal(PathMtu.Max, SizeTo(client, server));
        var (a, b) = (client.Host.Addresses[0].WithPort(Vl1Simulation.Port), server.Host.Addresses[0].WithPort(Vl1Simulation.Port));
        var sizes = Capture(net, a, b);
        Send(client, server, Large);
        net.Advance(0.02);
        Assert.Equal([Large], sizes);
        AssertAllArrive(net, client, server);

        // The jumbo frames end: so does their use, and nothing else.
        Narrow(net, client, server, 1472, 1472);
        Exchange(net, client, server, seconds: 40);
        Assert.Equal(PathMtu.Usual, SizeTo(client, server));
        AssertAllArrive(net, client, server);
    }

    [Theory]
    [InlineData(1232, 1432)]
    [InlineData(1432, 1232)]
    [InlineData(1232, 1232)]
    [InlineData(1372, 1252)]
    [InlineData(1000, 1000)]
    public void Narrow_direct_path_carries_packets_of_every_size_both_ways(int there, int back)
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Narrow(net, client, server, there, back);
        Vl1NetworkTests.Connect(net, server, client);
        Exchange(net, client, server, seconds: 15);
        Assert.InRange(SizeTo(client, server), there < PathMtu.Base ? PathMtu.Min : there - 15, there);
        Assert.InRange(SizeTo(server, client), back < PathMtu.Base ? PathMtu.Min : back - 15, back);
        AssertAllArrive(net, client, server);
        Assert.True(client.IsDirectTo(server) && server.IsDirectTo(client));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Narrow_path_of_a_root_counts_for_what_it_relays_on_either_side_of_it(bool senders)
    {
        using var net = new Vl1Simulation();
        var (root, server, client) = Vl1NetworkTests.Triangle(net);
        net.Network.Block(client.Host, server.Host);
        Narrow(net, root, senders ? client : server, 1300, 1300);
        Exchange(net, client, server, seconds: 15);
        Assert.InRange(SizeTo(client, server), 1285, 1300);
        Assert.InRange(SizeTo(server, client), 1285, 1300);
        AssertAllArrive(net, client, server);

        // Opened, the direct path has a size of its own.
        net.Network.Unblock(client.Host, server.Host);
        Exchange(net, client, server, seconds: 40);
        Assert.True(client.IsDirectTo(server) && server.IsDirectTo(client));
        Assert.Equal(Fragments.Mtu, SizeTo(client, server));
        AssertAllArrive(net, client, server);
    }

    [Fact]
    public void Relayed_path_of_full_size_is_used_fully_one_round_trip_after_its_first_packet()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        net.Network.Block(client.Host, server.Host);
        client.SendFrame(server, 1);
        net.Advance(1);
        client.SendFrame(server, 1);
        net.Advance(0.041);
        Assert.Equal(Fragments.Mtu, SizeTo(client, server));
    }

    [Fact]
    public void Path_that_becomes_narrow_in_use_is_noticed_by_the_node_itself_within_half_a_minute()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);
        Exchange(net, client, server, seconds: 5);
        Assert.Equal(Fragments.Mtu, SizeTo(client, server));

        Narrow(net, client, server, 1232, 1432);
        Exchange(net, client, server, seconds: 33);
        Assert.Equal(PathMtu.Base, SizeTo(client, server));
        Assert.Equal(Fragments.Mtu, SizeTo(server, client));
        Assert.Single(client.Client.Changes, change => change == (server.Id, PeerChange.PathNarrowed));
        AssertAllArrive(net, client, server);
        Assert.True(client.IsDirectTo(server) && server.IsDirectTo(client));
    }

    [Fact]
    public void Path_that_becomes_narrow_is_found_two_seconds_after_a_doubt_and_wide_again_in_ten_minutes()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);
        Exchange(net, client, server, seconds: 5);
        Narrow(net, client, server, 1332, 1332);
        client.Node.DoubtSize(server.Id);
        net.Advance(2);
        Assert.Equal(PathMtu.Base, SizeTo(client, server));
        Exchange(net, client, server, seconds: 20);
        Assert.InRange(SizeTo(client, server), 1317, 1332);

        Narrow(net, client, server, 1432, 1432);
        Exchange(net, client, server, seconds: 640);
        Assert.Equal(Fragments.Mtu, SizeTo(client, server));
    }

    [Fact]
    public void Data_that_the_system_refuses_ends_the_use_of_its_size_at_once()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Narrow(net, client, server, 8952, 8952);
        Vl1NetworkTests.Connect(net, server, client);
        Exchange(net, client, server, seconds: 5);
        var path = client.PeerOf(server).Route.Path!;
        client.Node.OnRefused(path.Socket, path.EndPoint.WithPort(1), PathMtu.Max);
        client.Node.OnRefused(path.Socket + 1, path.EndPoint, PathMtu.Max);
        client.Node.OnRefused(path.Socket, path.EndPoint, PathMtu.Max + 1);
        Assert.Equal(PathMtu.Max, SizeTo(client, server));
        Assert.DoesNotContain(client.Client.Changes, change => change.Change == PeerChange.PathNarrowed);

        Narrow(net, client, server, 1300, 8952);
        net.Advance(0.5);
        client.Node.OnRefused(path.Socket, path.EndPoint, PathMtu.Max);
        Assert.Equal(PathMtu.Base, SizeTo(client, server));
        net.Advance(0.01);
        Assert.Single(client.Client.Changes, change => change == (server.Id, PeerChange.PathNarrowed));
        AssertAllArrive(net, client, server);
        Exchange(net, client, server, seconds: 15);
        Assert.InRange(SizeTo(client, server), 1285, 1300);
    }

    [Fact]
    public void Data_for_a_root_that_the_system_refuses_ends_the_use_of_its_size_for_what_the_root_relays()
    {
        using var net = new Vl1Simulation();
        var (root, server, client) = Vl1NetworkTests.Triangle(net);
        net.Network.Block(client.Host, server.Host);
        Exchange(net, client, server, seconds: 5);
        Assert.Equal(Fragments.Mtu, SizeTo(client, server));
        var path = client.PeerOf(root).Route.Path!;

        client.Node.OnRefused(path.Socket, path.EndPoint, Fragments.Mtu);
        Assert.Equal(PathMtu.Base, SizeTo(client, server));
        AssertAllArrive(net, client, server);
    }

    [Fact]
    public void Doubts_without_end_cost_a_probe_per_second_and_a_dead_path_is_not_taken_for_a_narrow_one()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);
        Exchange(net, client, server, seconds: 5);
        var sizes = Capture(
            net, client.Host.Addresses[0].WithPort(Vl1Simulation.Port), server.Host.Addresses[0].WithPort(Vl1Simulation.Port));
        for (int i = 0; i < 1000; i++)
        {
            client.Node.DoubtSize(server.Id);
            net.Advance(0.01);
        }

        Assert.InRange(sizes.Count(size => size == Fragments.Mtu), 5, 11);
        var path = client.PeerOf(server).Route.Path!;
        net.Network.Block(client.Host, server.Host);
        for (int i = 0; i < 40; i++)
        {
            client.Node.DoubtSize(server.Id);
            Send(client, server, 1000);
            net.Advance(0.25);
        }

        Assert.Equal(Fragments.Mtu, path.Mtu.Size);
    }

    [Fact]
    public void Machine_that_moves_looks_at_its_paths_sizes_anew()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Vl1NetworkTests.Triangle(net);
        Vl1NetworkTests.Connect(net, server, client);
        Exchange(net, client, server, seconds: 5);
        Narrow(net, client, server, 1232, 1232);
        client.Host.LoseAddress("10.0.0.3");
        client.Host.GainAddress("10.7.7.7");
        net.Advance(2);
        Assert.Equal(PathMtu.Base, SizeTo(client, server));
        Exchange(net, client, server, seconds: 10);
        AssertAllArrive(net, client, server);
    }

    private static List<int> Capture(Vl1Simulation net, InetEndPoint from, InetEndPoint to)
    {
        var sizes = new List<int>();
        net.Network.Capture = (in VirtualDatagram datagram) =>
        {
            if (datagram.Source == from && datagram.Destination == to)
            {
                sizes.Add(datagram.Data.Length);
            }
        };
        return sizes;
    }

    private static void Narrow(Vl1Simulation net, SimulatedNode a, SimulatedNode b, int there, int back)
    {
        net.Network.SetOneWayLink(a.Host, b.Host, net.Network.DefaultLink with { Mtu = there });
        net.Network.SetOneWayLink(b.Host, a.Host, net.Network.DefaultLink with { Mtu = back });
    }

    private static int SizeTo(SimulatedNode from, SimulatedNode to) => from.Node.FindMtu(to.Id)!.Size;

    private static void Send(SimulatedNode from, SimulatedNode to, int size) =>
        from.Node.Send(to.Id, Verb.Frame, new byte[size - PacketHeader.Size]);

    private static void Exchange(Vl1Simulation net, SimulatedNode a, SimulatedNode b, int seconds)
    {
        for (int i = 0; i < 4 * seconds; i++)
        {
            Send(a, b, Large);
            Send(b, a, Large);
            net.Advance(0.25);
        }
    }

    private static void AssertAllArrive(Vl1Simulation net, SimulatedNode a, SimulatedNode b)
    {
        foreach (var (from, to) in ((SimulatedNode, SimulatedNode)[])[(a, b), (b, a)])
        {
            for (int size = 100; size <= Large; size += 37)
            {
                int before = to.Client.Frames.Count();
                Send(from, to, size);
                net.Advance(0.05);
                Assert.Equal(before + 1, to.Client.Frames.Count());
            }
        }
    }
}
