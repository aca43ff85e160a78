using System.Net;
using ZeroTier.Managed.Tests.Simulation;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>
/// Physical networks in which frames go in the clear (docs/protocol/2-vl1.md 2.2.1), and what they do not open to others.
/// </summary>
public sealed class TrustedPathTests
{
    private const ulong Number = 0x77;
    private const string Inside = "10.20.0.0/16";
    private const string RootAddress = "10.20.0.1";
    private const string First = "10.20.0.2";
    private const string Second = "10.20.0.3";
    private static readonly byte[] s_secret = [.. "this is read by whoever listens"u8];

    [Fact]
    public void Recorded_packets_of_a_trusted_path_are_read_and_written()
    {
        var identities = VectorFile.Identities("vl1-exchanges.json");
        var scenario = VectorFile.Json("vl1-exchanges.json")
            .GetProperty("scenarios").EnumerateArray()
            .Single(entry => entry.GetProperty("name").GetString() == "trusted");
        foreach (var recorded in scenario.GetProperty("steps")[0].GetProperty("packets").EnumerateArray())
        {
            byte[] packet = recorded.Hex("raw");
            Assert.Equal((int)CipherSuite.TrustedPath, PacketHeader.Suite(packet));
            Assert.Equal(Number, TrustedPacket.Id(packet));

            byte[] made = [.. new byte[PacketHeader.Size], .. recorded.Hex("payload")];
            var sender = identities[recorded.GetProperty("sender").GetString()!].Address;
            PacketHeader.Write(made, recorded.Hex("packet_id"), identities["root"].Address, sender, Verb.Whois);
            TrustedPacket.Mark(made, Number);
            Assert.Equal(packet, made);
        }
    }

    [Fact]
    public void Frames_go_in_the_clear_and_nothing_else_does()
    {
        using var world = new World(trusting: true);
        world.Talk();

        Assert.Contains(world.Datagrams, datagram => datagram.AsSpan().IndexOf(s_secret) >= 0);
        var clear = world.Datagrams.Where(
            datagram => datagram.Length >= PacketHeader.Size && PacketHeader.Suite(datagram) == (int)CipherSuite.TrustedPath);
        Assert.All(clear, datagram => Assert.Equal(Verb.Frame, (Verb)datagram[PacketHeader.VerbOffset]));
        Assert.Equal(s_secret, world.B.Client.Frames.Last());
    }

    [Fact]
    public void Frames_that_a_root_relays_are_encrypted_though_the_root_is_inside()
    {
        using var world = new World(trusting: true);
        world.Net.Network.Block(world.A.Host, world.B.Host);
        world.Talk();

        Assert.Equal(s_secret, world.B.Client.Frames.Last());
        Assert.DoesNotContain(world.Datagrams, datagram => datagram.AsSpan().IndexOf(s_secret) >= 0);
    }

    [Fact]
    public void A_node_that_trusts_no_path_takes_nothing_in_the_clear()
    {
        using var world = new World(trusting: true, bothTrust: false);
        world.Talk();

        Assert.True(world.A.IsDirectTo(world.B));
        Assert.NotEqual(s_secret, world.B.Client.Frames.LastOrDefault());
        Assert.True(world.B.Node.Drops[DropReason.Suite] > 0);
    }

    [Theory]
    [InlineData(First, Number, 0, true)]
    [InlineData("10.20.9.9", Number, 0, false)]
    [InlineData("10.21.9.9", Number, 0, false)]
    [InlineData(First, Number + 1, 0, false)]
    [InlineData(First, 0UL, 0, false)]
    [InlineData(First, Number, 1, false)]
    public void Only_a_packet_from_the_place_of_its_sender_inside_with_the_number_that_nobody_relayed_is_taken(
        string from, ulong number, byte hops, bool taken)
    {
        using var world = new World(trusting: true);
        world.Talk();
        world.Forge(from, world.A.Id, Verb.Frame, number, hops, [1, 2, 3]);

        Assert.Equal(taken, world.B.Client.Frames.Last().SequenceEqual(new byte[] { 1, 2, 3 }));
        Assert.Equal(taken ? 0 : 1, world.B.Node.Drops[DropReason.Suite]);
    }

    [Fact]
    public void Neither_an_identity_nor_the_word_of_a_root_is_taken_in_the_clear()
    {
        using var world = new World(trusting: true);
        world.Talk();
        world.Forge("10.20.9.9", world.A.Id, Verb.Hello, Number, 0, new byte[80]);
        world.Forge("10.20.9.9", world.Root.Id, Verb.Rendezvous, Number, 0, new byte[16]);
        world.Forge("10.20.9.9", world.Root.Id, Verb.Frame, Number, 0, [1, 2, 3]);

        Assert.Equal(3, world.B.Node.Drops[DropReason.Suite]);
        Assert.Equal(s_secret, world.B.Client.Frames.Last());
    }

    [Fact]
    public void A_root_sends_and_takes_nothing_in_the_clear()
    {
        using var world = new World(trusting: true);
        world.Talk();
        world.Datagrams.Clear();
        world.Root.SendFrame(world.B, s_secret);
        world.B.SendFrame(world.Root, s_secret);
        world.Net.Advance(2);

        Assert.Equal(s_secret, world.Root.Client.Frames.Last());
        Assert.DoesNotContain(world.Datagrams, datagram => datagram.AsSpan().IndexOf(s_secret) >= 0);
    }

    [Fact]
    public void Large_frames_go_in_fragments()
    {
        using var world = new World(trusting: true);
        world.Talk();
        byte[] large = [.. Enumerable.Range(0, 5000).Select(i => (byte)i)];
        world.A.SendFrame(world.B, large);
        world.Net.Advance(1);

        Assert.Equal(large, world.B.Client.Frames.Last());
    }

    [Fact]
    public void A_node_with_trusted_paths_warns_at_its_start_and_its_networks_work()
    {
        var world = new PrivateWorld(
            seed: 90, members: 2, options => options with { TrustedPaths = [new TrustedPath(IPNetwork.Parse("10.0.0.0/24"), Number)] });
        byte[] data = [.. Enumerable.Range(0, 100_000).Select(i => (byte)i)];
        world.Run(async () =>
        {
            await world.StartAsync();
            Assert.Equal(data, await world.TransferAsync(1, world.EndPoint(0, 8080), server: 0, data));
        });
        world.Stop();

        var warnings = world.Logs.Lines.Where(line => line.Event.Name == "TrustsPaths").Select(line => line.Text).ToList();
        Assert.Equal(4, warnings.Count);
        Assert.All(
            warnings,
            warning => Assert.Contains(
                "10.0.0.0/24 are neither encrypted nor authenticated (TrustedPaths)", warning, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_address_is_no_network_to_trust_and_0_no_number()
    {
        Assert.Throws<ArgumentException>(() => new TrustedPath(IPNetwork.Parse("0.0.0.0/0"), Number));
        Assert.Throws<ArgumentException>(() => new TrustedPath(IPNetwork.Parse("::/0"), Number));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrustedPath(IPNetwork.Parse(Inside), 0));
    }

    /// <summary>A root and two nodes in one physical network, and what is on its wire.</summary>
    private sealed class World : IDisposable
    {
        public World(bool trusting, bool bothTrust = true)
        {
            TrustedPath[] paths = trusting ? [new TrustedPath(IPNetwork.Parse(Inside), Number)] : [];
            var planet = Net.CreatePlanet(RootAddress);
            Root = Net.Add(0, planet, RootAddress, node => node.Trusted = paths);
            A = Net.Add(1, planet, First, node => node.Trusted = paths);
            B = Net.Add(2, planet, Second, node => node.Trusted = bothTrust ? paths : []);
            Net.Network.Capture = (in datagram) => Datagrams.Add(datagram.Data.ToArray());
            Net.Advance(2);
        }

        public Vl1Simulation Net { get; } = new();

        public SimulatedNode Root { get; }

        public SimulatedNode A { get; }

        public SimulatedNode B { get; }

        public List<byte[]> Datagrams { get; } = [];

        /// <summary>Lets the nodes meet, and then sends the secret once.</summary>
        public void Talk()
        {
            for (int i = 0; i < 10; i++)
            {
                A.SendFrame(B, (byte)i);
                B.SendFrame(A, (byte)i);
                Net.Advance(1);
            }

            Datagrams.Clear();
            A.SendFrame(B, s_secret);
            Net.Advance(1);
        }

        /// <summary>Sends a packet in the clear to the second node, in any node's name.</summary>
        public void Forge(string from, NodeId source, Verb verb, ulong number, byte hops, byte[] payload)
        {
            byte[] packet = [.. new byte[PacketHeader.Size], .. payload];
            PacketHeader.Write(packet, [1, 2, 3, 4, 5, 6, 7, (byte)Datagrams.Count], B.Id, source, verb);
            TrustedPacket.Mark(packet, number);
            packet[PacketHeader.FlagsOffset] |= hops;
            var forger = from == First ? A.Transport : Net.Network.AddHost(
                $"forger{Datagrams.Count}", from.Replace("9.9", $"9.{9 + Datagrams.Count % 200}", StringComparison.Ordinal))
                .Open(Vl1Simulation.Port);
            forger.Send(0, Vl1Simulation.EndPoint(Second), packet, packet.Length);
            Net.Advance(1);
        }

        public void Dispose() => Net.Dispose();
    }
}
