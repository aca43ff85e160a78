using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Whole networks of nodes in virtual time: first contact, relaying, direct paths, and losses.</summary>
public sealed class Vl1NetworkTests
{
    [Fact]
    public void Leaf_root_answers_online_at_once_and_stays_online()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        var root = net.Add(0, planet, "10.0.0.1");
        var leaf = net.Add(1, planet, "10.0.0.2");
        net.Advance(0.5);
        Assert.True(root.Node.IsRoot);
        Assert.True(root.Node.IsOnline);
        Assert.False(leaf.Node.IsRoot);
        Assert.Equal([true], leaf.Client.Online);
        Assert.True(root.IsDirectTo(leaf));
        Assert.True(leaf.IsDirectTo(root));
        net.Advance(600);
        Assert.Equal([true], leaf.Client.Online);
        Assert.Equal(0, leaf.Node.Drops[DropReason.RateGate]);
    }

    [Fact]
    public void Leaf_root_absent_not_online_until_it_appears()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        var leaf = net.Add(1, planet, "10.0.0.2");
        net.Advance(41);
        Assert.Empty(leaf.Client.Online);
        net.Add(0, planet, "10.0.0.1");
        Assert.True(net.RunUntil(() => leaf.Node.IsOnline, 6));
    }

    [Fact]
    public void Two_leaves_that_know_only_the_root_find_each_other_relay_and_then_talk_directly()
    {
        using var net = new Vl1Simulation();
        var (root, server, client) = Triangle(net);
        client.SendFrame(server, 1, 2, 3);
        Assert.True(net.RunUntil(() => server.Client.Frames.Any(), 1));
        Assert.Equal([1, 2, 3], server.Client.Frames.Single());
        Assert.Equal(1, server.Client.Packets[0].Info.Hops);
        Assert.True(net.RunUntil(() => client.IsDirectTo(server) && server.IsDirectTo(client), 2), "no direct path");
        Assert.Contains((server.Id, PeerChange.Direct), client.Client.Changes);
        server.SendFrame(client, 4);
        net.Advance(0.1);
        Assert.Equal(0, client.Client.Packets.Single(packet => packet.Payload is [4]).Info.Hops);
        Assert.True(client.PeerOf(server).Version.SpeaksAes);
        var seen = client.Node.Snapshot().Single(peer => peer.Id == server.Id);
        Assert.True(seen.IsDirect);
        Assert.Equal(new Version(1, 12, 0), seen.Version);
        Assert.InRange(seen.Latency!.Value.TotalMilliseconds, 19, 21);
        Assert.True(root.Node.IsRoot);
    }

    [Fact]
    public void One_way_traffic_also_gets_a_direct_path_at_once()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Triangle(net);
        server.Client.Judge = (_, _) => PacketResult.Ignored;
        client.SendFrame(server, 1);
        Assert.True(net.RunUntil(() => client.IsDirectTo(server), 2));
    }

    [Fact]
    public void Blocked_pair_stays_relayed_with_introductions_each_30_s_and_learns_versions()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Triangle(net);
        net.Network.Block(server.Host, client.Host);
        for (int i = 0; i < 100; i++)
        {
            client.SendFrame(server, (byte)i);
            server.SendFrame(client, (byte)i);
            net.Advance(1);
        }

        Assert.Equal(100, server.Client.Frames.Count());
        Assert.Equal(100, client.Client.Frames.Count());
        Assert.All(server.Client.Packets.Where(packet => packet.Verb == Verb.Frame), packet => Assert.Equal(1, packet.Info.Hops));
        Assert.False(client.IsDirectTo(server));

        // The HELLO through the root tells the versions: relayed traffic of our nodes uses the better cipher.
        Assert.True(client.PeerOf(server).Version.SpeaksAes);
        Assert.Equal(CipherSuite.AesGmacSiv, client.PeerOf(server).Route.Suite);
    }

    [Fact]
    public void Direct_path_that_breaks_is_left_for_the_root_and_taken_again_when_it_heals()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Triangle(net);
        Connect(net, server, client);
        net.Network.Block(server.Host, client.Host);
        for (int i = 0; i < 12; i++)
        {
            client.SendFrame(server, (byte)i);
            net.Advance(0.5);
        }

        // 6 s instead of the 19 after which a path that is not in use counts as silent.
        Assert.False(client.IsDirectTo(server));
        Assert.False(server.IsDirectTo(client));
        Assert.Contains((server.Id, PeerChange.Relayed), client.Client.Changes);
        server.Client.Packets.Clear();
        client.SendFrame(server, 99);
        net.Advance(0.5);
        Assert.Equal([99], server.Client.Frames.Single());
        net.Network.Unblock(server.Host, client.Host);
        Assert.True(net.RunUntil(() => client.IsDirectTo(server) && server.IsDirectTo(client), 20));
    }

    [Fact]
    public void A_pair_that_has_said_its_last_word_is_not_asked_every_second()
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Triangle(net);
        Connect(net, server, client);
        client.SendFrame(server, 1);
        net.Advance(0.1);
        server.SendFrame(client, 2);
        net.Advance(2);
        long before = client.Node.Traffic.DatagramsSent;
        net.Advance(7.5);
        Assert.InRange(client.Node.Traffic.DatagramsSent - before, 1, 6);
    }

    [Fact]
    public void Silent_leaf_peers_are_forgotten_and_their_paths_expire()
    {
        using var net = new Vl1Simulation();
        var (root, server, client) = Triangle(net);
        Connect(net, server, client);
        server.Stop();
        net.Nodes.Remove(server);
        net.Advance(250);
        Assert.Empty(client.PeerOf(server).Paths);
        net.Advance(400);
        Assert.Null(client.Node.FindPeer(server.Id));
        Assert.Null(root.Node.FindPeer(server.Id));
        Assert.Contains((server.Id, PeerChange.Removed), client.Client.Changes);
        Assert.Contains(client.Node.GetPersistentPeers(), known => known.Identity.Address == server.Id);
        Assert.NotNull(client.Node.FindPeer(root.Id));
    }

    [Fact]
    public void Root_dies_LeafOfflineAfter30Seconds_OnlineSoonAfterItReturns()
    {
        using var net = new Vl1Simulation();
        var (root, _, client) = Triangle(net);
        root.Stop();
        net.Advance(29);
        Assert.Equal([true], client.Client.Online);
        net.Advance(5);
        Assert.Equal([true, false], client.Client.Online);
        net.Advance(300);
        root.Start();
        Assert.True(net.RunUntil(() => client.Node.IsOnline, 6));
    }

    [Fact]
    public void Two_roots_LeafOnEachOnly_MeetThroughBoth()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1", "10.0.0.2");
        var first = net.Add(0, planet, "10.0.0.1");
        var second = net.Add(1, planet, "10.0.0.2");
        var a = net.Network.AddHost("a", "10.0.0.3");
        var b = net.Network.AddHost("b", "10.0.0.4");
        net.Network.Block(a, second.Host);
        net.Network.Block(b, first.Host);
        net.Network.Block(a, b);
        net.Advance(3);
        var client = net.Add(2, planet, a);
        net.Advance(3);
        var server = net.Add(3, planet, b);
        Assert.True(net.RunUntil(() => client.Node.IsOnline && server.Node.IsOnline, 6));
        for (int i = 0; i < 5; i++)
        {
            client.SendFrame(server, (byte)i);
            net.Advance(1);
        }

        Assert.NotEmpty(server.Client.Frames);
        Assert.Equal(2, server.Client.Packets[0].Info.Hops);
    }

    [Fact]
    public void Best_root_dies_OtherTakesOver()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1", "10.0.0.2");
        var roots = new[] { net.Add(0, planet, "10.0.0.1"), net.Add(1, planet, "10.0.0.2") };
        net.Advance(3);
        var client = net.Add(2, planet, "10.0.0.3");
        net.Advance(3);
        var server = net.Add(3, planet, "10.0.0.4");
        net.Network.Block(client.Host, server.Host);
        net.Advance(6);
        var best = roots.Single(root => root.Id == client.Node.BestUpstream);
        best.Stop();
        net.Nodes.Remove(best);
        net.Advance(21);
        Assert.NotEqual(best.Id, client.Node.BestUpstream);
        Assert.True(client.Node.IsOnline);
        client.SendFrame(server, 1);
        net.Advance(2);
        Assert.NotEmpty(server.Client.Frames);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void One_of_two_roots_is_dead_Everything_goes_on(int dead)
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1", "10.0.0.2");
        var roots = new[] { net.Add(0, planet, "10.0.0.1"), net.Add(1, planet, "10.0.0.2") };
        net.Advance(3);
        var server = net.Add(2, planet, "10.0.0.3");
        net.Advance(3);
        var client = net.Add(3, planet, "10.0.0.4");
        Assert.True(net.RunUntil(() => server.Node.IsOnline && client.Node.IsOnline, 30));
        Connect(net, server, client);
        roots[dead].Stop();
        net.Nodes.Remove(roots[dead]);

        // Direct peers do not notice, whatever time passes; nobody calls itself offline.
        for (int i = 0; i < 120; i++)
        {
            server.Client.Packets.Clear();
            client.SendFrame(server, (byte)i);
            net.Advance(1);
            Assert.Single(server.Client.Frames);
            Assert.True(server.Node.IsOnline && client.Node.IsOnline, $"offline after {i} s");
        }

        // A newcomer is let in, finds both, and gets a direct path.
        var newcomer = net.Add(4, planet, "10.0.0.5");
        Assert.True(net.RunUntil(() => newcomer.Node.IsOnline, 30), "the newcomer is not let in");
        newcomer.SendFrame(server, 200);
        server.SendFrame(newcomer, 201);
        Assert.True(net.RunUntil(() => newcomer.IsDirectTo(server) && server.IsDirectTo(newcomer), 10), "no direct path");
        Assert.Contains((byte)200, server.Client.Frames.SelectMany(frame => frame));

        // One that cannot be reached directly is relayed to by the root that is left.
        var hidden = net.Network.AddHost("hidden", "10.0.0.6");
        net.Network.Block(hidden, client.Host);
        var relayed = net.Add(5, planet, hidden);
        Assert.True(net.RunUntil(() => relayed.Node.IsOnline, 30));
        relayed.SendFrame(client, 202);
        Assert.True(net.RunUntil(() => client.Client.Frames.Any(frame => frame.SequenceEqual(new byte[] { 202 })), 5), "not relayed");
    }

    [Theory]
    [InlineData(1404)]
    [InlineData(1405)]
    [InlineData(2810)]
    [InlineData(9900)]
    public void Large_packets_arrive_relayed_and_direct(int size)
    {
        using var net = new Vl1Simulation();
        var (_, server, client) = Triangle(net);
        byte[] payload = new byte[size];
        new SeededRandom(3).Fill(payload);
        client.SendFrame(server, payload);
        Assert.True(net.RunUntil(() => server.Client.Frames.Any(), 1));
        Connect(net, server, client);
        client.SendFrame(server, payload);
        net.Advance(0.1);
        var frames = server.Client.Packets.Where(packet => packet.Payload.Length == size).ToArray();
        Assert.Equal([1, 0], frames.Select(packet => packet.Info.Hops));
        Assert.All(frames, packet => Assert.Equal(payload, packet.Payload));
    }

    [Theory]
    [InlineData(NatKind.FullCone)]
    [InlineData(NatKind.RestrictedCone)]
    [InlineData(NatKind.PortRestrictedCone)]
    public void Leaves_behind_cone_translators_get_a_direct_path(NatKind kind)
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("9.0.0.1");
        net.Add(0, planet, "9.0.0.1");
        var client = net.Add(1, planet, net.Network.AddNat(kind, "9.0.1.1").AddHost("a", "192.168.1.2"));
        net.Advance(3);
        var server = net.Add(2, planet, net.Network.AddNat(kind, "9.0.2.1").AddHost("b", "192.168.2.2"));
        net.Advance(6);
        for (int i = 0; i < 60 && !(client.IsDirectTo(server) && server.IsDirectTo(client)); i++)
        {
            client.SendFrame(server, 1);
            server.SendFrame(client, 2);
            net.Advance(1);
        }

        Assert.True(client.IsDirectTo(server) && server.IsDirectTo(client));
    }

    [Fact]
    public void Leaves_behind_symmetric_translators_stay_relayed()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("9.0.0.1");
        net.Add(0, planet, "9.0.0.1");
        var client = net.Add(1, planet, net.Network.AddNat(NatKind.Symmetric, "9.0.1.1").AddHost("a", "192.168.1.2"));
        net.Advance(3);
        var server = net.Add(2, planet, net.Network.AddNat(NatKind.Symmetric, "9.0.2.1").AddHost("b", "192.168.2.2"));
        net.Advance(6);
        for (int i = 0; i < 60; i++)
        {
            client.SendFrame(server, 1);
            server.SendFrame(client, 2);
            net.Advance(1);
        }

        Assert.False(client.IsDirectTo(server) || server.IsDirectTo(client));
        Assert.Equal(60, server.Client.Frames.Count());
        Assert.Equal(60, client.Client.Frames.Count());
    }

    [Fact]
    public void Leaf_whose_translator_reboots_gets_its_direct_path_back()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("9.0.0.1");
        net.Add(0, planet, "9.0.0.1");
        var nat = net.Network.AddNat(NatKind.RestrictedCone, "9.0.1.1");
        var client = net.Add(1, planet, nat.AddHost("a", "192.168.1.2"));
        net.Advance(3);
        var server = net.Add(2, planet, "9.0.2.1");
        net.Advance(6);
        Connect(net, server, client);
        nat.Reboot();
        server.Client.Packets.Clear();
        for (int i = 0; i < 40; i++)
        {
            client.SendFrame(server, 1);
            server.SendFrame(client, 2);
            net.Advance(1);
        }

        Assert.True(client.IsDirectTo(server) && server.IsDirectTo(client));
        Assert.Equal(40, server.Client.Frames.Count());
    }

    [Fact]
    public void Lossy_links_do_not_keep_leaves_from_meeting()
    {
        using var net = new Vl1Simulation(3);
        net.Network.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(30), Loss = 0.2, Duplicate = 0.05, Corrupt = 0.02 };
        var (_, server, client) = Triangle(net);
        for (int i = 0; i < 120 && !(client.IsDirectTo(server) && server.IsDirectTo(client)); i++)
        {
            client.SendFrame(server, 1);
            server.SendFrame(client, 2);
            net.Advance(1);
        }

        Assert.True(client.IsDirectTo(server) && server.IsDirectTo(client));
        Assert.True(client.Node.IsOnline && server.Node.IsOnline);
    }

    [Fact]
    public void Newer_planet_from_the_root_is_adopted_and_the_second_root_greeted()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        var newer = planet.Update(
            net.Clock.GetUtcNow().AddSeconds(1),
            [planet.Roots[0], new PlanetRoot(TestIdentities.All[5], [Vl1Simulation.EndPoint("10.0.0.5")])],
            net.SigningKey);
        net.Add(0, newer, "10.0.0.1");
        net.Add(5, newer, "10.0.0.5");
        net.Advance(3);
        var leaf = net.Add(1, planet, "10.0.0.2");
        net.Advance(8);
        Assert.Equal(newer.ToBytes(), leaf.Client.Planets.Single().ToBytes());
        Assert.Equal(2, leaf.Node.Upstreams.Count);
        Assert.True(net.RunUntil(() => leaf.Node.FindPeer(TestIdentities.All[5].Address)!.IsDirect, 10));
    }

    [Fact]
    public void A_root_and_leaves_on_one_loopback_address_do_not_wait_for_each_other_and_nothing_leaves_it()
    {
        using var net = new Vl1Simulation();
        var host = net.Network.AddHost("here", "127.0.0.1");
        bool outside = false;
        net.Network.Capture = (in VirtualDatagram datagram) => outside |= !datagram.Destination.IsLoopback;
        var planet = net.CreatePlanet("127.0.0.1");
        net.Add(0, planet, host);
        var leaves = Enumerable.Range(1, 6).Select(i => net.Add(i, planet, host, port: (ushort)(20000 + i))).ToArray();
        Assert.True(net.RunUntil(() => leaves.All(leaf => leaf.Node.IsOnline), 1), "the gate slowed a local network");
        leaves[0].SendFrame(leaves[5], 1);
        leaves[5].SendFrame(leaves[0], 1);
        Assert.True(net.RunUntil(() => leaves[0].IsDirectTo(leaves[5]) && leaves[5].IsDirectTo(leaves[0]), 2));
        Assert.False(outside);
    }

    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        Assert.Equal(Run(5), Run(5));
        Assert.NotEqual(Run(5), Run(6));

        static ulong Run(ulong seed)
        {
            using var net = new Vl1Simulation(seed);
            net.Network.DefaultLink = new VirtualLink
            {
                Delay = TimeSpan.FromMilliseconds(5),
                Jitter = TimeSpan.FromMilliseconds(3),
                Loss = 0.05,
            };
            var (_, server, client) = Triangle(net);
            for (int i = 0; i < 30; i++)
            {
                client.SendFrame(server, (byte)i);
                net.Advance(1);
            }

            return net.Network.LogHash;
        }
    }

    // Root, server and client, all online; started one by one because all share one prefix.
    internal static (SimulatedNode Root, SimulatedNode Server, SimulatedNode Client) Triangle(Vl1Simulation net)
    {
        var planet = net.CreatePlanet("10.0.0.1");
        var root = net.Add(0, planet, "10.0.0.1");
        var server = net.Add(1, planet, "10.0.0.2");
        net.Advance(3);
        var client = net.Add(2, planet, "10.0.0.3");
        Assert.True(net.RunUntil(() => server.Node.IsOnline && client.Node.IsOnline, 30));
        net.Advance(1);
        return (root, server, client);
    }

    internal static void Connect(Vl1Simulation net, SimulatedNode server, SimulatedNode client)
    {
        client.SendFrame(server, 1);
        server.SendFrame(client, 1);
        Assert.True(net.RunUntil(() => client.IsDirectTo(server) && server.IsDirectTo(client), 5), "no direct path");
        net.Advance(0.2);
    }
}
