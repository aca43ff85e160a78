using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Moons: their format, which of them a node takes, and what their roots are good for (docs/protocol/2-vl1.md 2.8).</summary>
public sealed class MoonTests
{
    private const ulong MoonId = 0xdeadbeef01;

    // The planet has root 0; the moon has root 3, and later root 4.
    private const string PlanetRoot = "10.0.0.1";
    private const string MoonRoot = "10.0.0.9";
    private const string SecondMoonRoot = "10.0.0.10";

    [Fact]
    public void A_moon_of_one_root_has_the_documented_size_and_reads_back()
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        var moon = CreateMoon(key);

        Assert.Equal(259, moon.ToBytes().Length);
        var read = Moon.Parse(moon.ToBytes());
        Assert.Equal(MoonId, read.Id);
        Assert.True(read.Verify());
        Assert.Equal(moon.Roots[0].EndPoints, read.Roots[0].EndPoints);
        Assert.False(Planet.TryParse(moon.ToBytes(), out _));
        Assert.False(Moon.TryParse(moon.ToBytes().AsSpan(0, 258), out _));
        Assert.False(Moon.TryParse([.. moon.ToBytes(), 0], out _));
    }

    [Fact]
    public void The_recorded_HELLO_names_the_wanted_moon_and_the_recorded_answer_holds_it()
    {
        var identities = VectorFile.Identities("vl1-exchanges.json");
        var scenario = VectorFile.Json("vl1-exchanges.json")
            .GetProperty("scenarios").EnumerateArray()
            .Single(entry => entry.GetProperty("name").GetString() == "moon");
        var packets = scenario.GetProperty("steps")[0].GetProperty("packets").EnumerateArray()
            .Where(packet => packet.TryGetProperty("verb", out _)).ToList();
        using var keys = SessionKeys.Agree(identities["root2"], identities["A"])!;
        byte[] packet = packets.First(entry => entry.GetProperty("verb").GetString() == "HELLO").Hex("raw");
        Assert.True(keys.TryOpen(packet));
        Assert.True(HelloMessage.TryRead(packet.AsSpan(PacketHeader.Size), out var hello));
        int tail = PacketHeader.Size + hello.TailOffset;
        keys.CryptHelloTail(packet, tail);
        var moons = new WorldVersion[2];
        Assert.Equal(1, HelloMessage.ReadMoons(packet.AsSpan(tail), moons));
        Assert.Equal(new WorldVersion(MoonId, 0), moons[0]);

        // What is cut off, or more than there is room for, is left out.
        Assert.Equal(0, HelloMessage.ReadMoons(packet.AsSpan(tail, 18), moons));
        Assert.Equal(0, HelloMessage.ReadMoons(packet.AsSpan(tail), []));

        byte[] answer = packets.First(entry => entry.GetProperty("verb").GetString() == "OK").Hex("payload");
        Assert.True(OkHelloMessage.TryRead(answer.AsSpan(9), out var ok));
        var moon = Moon.Parse(ok.Worlds);
        Assert.Equal(MoonId, moon.Id);
        Assert.Equal(identities["root2"], moon.Roots.Single().Identity);
        Assert.True(moon.Verify());
    }

    [Fact]
    public void A_moon_whose_planet_root_dies_carries_on_with_look_ups_relaying_and_introductions()
    {
        using var net = new Vl1Simulation();
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        var moon = CreateMoon(key);
        var planet = net.CreatePlanet(PlanetRoot);
        var root = net.Add(0, planet, PlanetRoot);
        var moonRoot = net.Add(3, planet, MoonRoot, node => node.Moons = [new MoonOrbit(moon)]);
        var first = net.Add(1, planet, "10.0.0.2", node => node.Moons = [new MoonOrbit(moon)]);
        var second = net.Add(2, planet, "10.0.0.3", node => node.Moons = [new MoonOrbit(moon)]);
        net.Advance(10);
        Assert.True(moonRoot.Node.IsRoot);
        Assert.Equal(ZeroTierPeerRole.Moon, first.Node.Describe(moonRoot.Id)!.Role);
        Assert.Equal(ZeroTierPeerRole.Planet, first.Node.Describe(root.Id)!.Role);

        root.Stop();
        net.Nodes.Remove(root);
        net.Advance(40);

        Assert.Equal([true], first.Client.Online);
        Assert.Equal(moonRoot.Id, first.Node.BestUpstream);
        first.SendFrame(second, 1);
        Assert.True(net.RunUntil(() => second.Client.Frames.Any(), 5));
        Assert.True(net.RunUntil(() => first.IsDirectTo(second) && second.IsDirectTo(first), 5));
    }

    [Fact]
    public void The_nearer_root_is_used_and_the_farther_one_when_it_dies()
    {
        using var net = new Vl1Simulation();
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        var moon = CreateMoon(key);
        var planet = net.CreatePlanet(PlanetRoot);
        var root = net.Add(0, planet, PlanetRoot);
        var moonRoot = net.Add(3, planet, MoonRoot, node => node.Moons = [new MoonOrbit(moon)]);
        var host = net.Network.AddHost("leaf", "10.0.0.2");
        net.Network.SetLink(host, root.Host, new VirtualLink { Delay = TimeSpan.FromMilliseconds(80) });
        net.Network.SetLink(host, moonRoot.Host, new VirtualLink { Delay = TimeSpan.FromMilliseconds(5) });
        var leaf = net.Add(1, planet, host, node => node.Moons = [new MoonOrbit(moon)]);
        net.Advance(10);
        Assert.Equal(moonRoot.Id, leaf.Node.BestUpstream);

        moonRoot.Stop();
        net.Nodes.Remove(moonRoot);
        Assert.True(net.RunUntil(() => leaf.Node.BestUpstream == root.Id, 40));
        Assert.Equal([true], leaf.Client.Online);
    }

    [Fact]
    public void A_seed_hands_out_its_moon_which_is_used_at_once_and_reported()
    {
        using var net = new Vl1Simulation();
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        var moon = CreateMoon(key);
        var planet = net.CreatePlanet(PlanetRoot);
        net.Add(0, planet, PlanetRoot);
        var moonRoot = net.Add(3, planet, MoonRoot, node => node.Moons = [new MoonOrbit(moon)]);
        var leaf = net.Add(1, planet, "10.0.0.2");
        net.Advance(6);

        Assert.True(leaf.Node.Orbit(new MoonOrbit(MoonId, moonRoot.Id)));
        Assert.Empty(leaf.Node.Moons);
        Assert.True(net.RunUntil(() => leaf.Node.Moons.Count == 1, 20), "the moon did not come");

        Assert.Equal(moon.ToBytes(), leaf.Node.Moons[0].ToBytes());
        Assert.Equal(moon.ToBytes(), Assert.Single(leaf.Client.Moons).ToBytes());
        Assert.Contains(moonRoot.Id, leaf.Node.Upstreams);

        Assert.True(leaf.Node.Deorbit(MoonId));
        Assert.DoesNotContain(moonRoot.Id, leaf.Node.Upstreams);
        Assert.Empty(leaf.Node.Moons);
        Assert.False(leaf.Node.Deorbit(MoonId));
    }

    [Fact]
    public void A_newer_moon_spreads_from_one_root_to_the_nodes_and_brings_its_new_root()
    {
        using var net = new Vl1Simulation();
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        var moon = CreateMoon(key);
        var planet = net.CreatePlanet(PlanetRoot);
        net.Add(0, planet, PlanetRoot);
        var update = moon.Update(
            Time(2), [.. moon.Roots, new PlanetRoot(TestIdentities.All[4], [Vl1Simulation.EndPoint(SecondMoonRoot)])], key);
        net.Add(3, planet, MoonRoot, node => node.Moons = [new MoonOrbit(update)]);
        var secondRoot = net.Add(4, planet, SecondMoonRoot, node => node.Moons = [new MoonOrbit(update)]);
        var leaf = net.Add(1, planet, "10.0.0.2", node => node.Moons = [new MoonOrbit(moon)]);

        Assert.True(net.RunUntil(() => leaf.Node.Moons[0].Timestamp == update.Timestamp, 130), "no update");
        Assert.True(net.RunUntil(() => leaf.IsDirectTo(secondRoot), 10), "the new root is not used");
    }

    /// <summary>What a root hands out that holds the given moon, to a leaf that has the first revision.</summary>
    public static TheoryData<string> Refused => ["older", "same time", "wrong signer", "forged", "another number"];

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_moon_that_may_not_replace_the_present_one_is_refused(string kind)
    {
        using var net = new Vl1Simulation();
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        using var stranger = PlanetSigningKey.Generate(new SeededRandom(2));
        var moon = Moon.Create(MoonId, Time(1), [Root(3, MoonRoot)], key);
        var other = new[] { Root(4, SecondMoonRoot) };
        var planet = net.CreatePlanet(PlanetRoot);
        byte[] bytes = kind switch
        {
            "older" => Moon.Create(MoonId, Time(0), other, key).ToBytes(),
            "same time" => Moon.Create(MoonId, Time(1), other, key).ToBytes(),
            "wrong signer" => Moon.Create(MoonId, Time(2), other, stranger).ToBytes(),
            "forged" => Forged(moon.Update(Time(2), other, key)),
            _ => Moon.Create(MoonId + 1, Time(2), other, key).ToBytes(),
        };
        using var leaf = new NodeUnderTest(TestIdentities.All[1], planet, "10.0.0.2");
        leaf.Node.Orbit(new MoonOrbit(moon));
        var root = new StubPeer(TestIdentities.All[3], TestIdentities.All[1], MoonRoot);
        leaf.Clock.Advance(TimeSpan.FromSeconds(5));
        AnswerHellos(leaf, root, bytes);

        Assert.Equal(moon.ToBytes(), Assert.Single(leaf.Node.Moons).ToBytes());
        Assert.Empty(leaf.Client.Moons.Skip(1));

        // The same way takes a proper one.
        leaf.Clock.Advance(TimeSpan.FromSeconds(65));
        var update = moon.Update(Time(2), other, key);
        AnswerHellos(leaf, root, update.ToBytes());
        Assert.Equal(update.ToBytes(), Assert.Single(leaf.Node.Moons).ToBytes());
    }

    [Fact]
    public void The_first_definition_of_a_wanted_moon_is_taken_from_its_seed_only()
    {
        using var net = new Vl1Simulation();
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        var planet = net.CreatePlanet(PlanetRoot);
        var forged = Moon.Create(MoonId, Time(3), [Root(3, "10.6.6.6")], key);
        using var leaf = new NodeUnderTest(TestIdentities.All[1], planet, "10.0.0.2");
        leaf.Node.Orbit(new MoonOrbit(MoonId, TestIdentities.All[3].Address));
        var root = new StubPeer(TestIdentities.All[0], TestIdentities.All[1], PlanetRoot);
        leaf.Clock.Advance(TimeSpan.FromSeconds(5));

        AnswerHellos(leaf, root, forged.ToBytes());

        Assert.Empty(leaf.Node.Moons);
        Assert.Equal([TestIdentities.All[0].Address], leaf.Node.Upstreams);
    }

    [Fact]
    public void Moons_are_bounded()
    {
        using var net = new Vl1Simulation();
        using var leaf = new NodeUnderTest(TestIdentities.All[1], net.CreatePlanet(PlanetRoot), "10.0.0.2");
        for (ulong id = 1; id <= Vl1Limits.Moons; id++)
        {
            Assert.True(leaf.Node.Orbit(new MoonOrbit(id, TestIdentities.All[3].Address)));
        }

        Assert.False(leaf.Node.Orbit(new MoonOrbit(99, TestIdentities.All[3].Address)));
        Assert.True(leaf.Node.Orbit(new MoonOrbit(1, TestIdentities.All[3].Address)));
    }

    // Answers each HELLO that the leaf sends to a root with OK and the given worlds.
    private static void AnswerHellos(NodeUnderTest leaf, StubPeer root, byte[] worlds)
    {
        var hellos = leaf.Take().Where(sent => sent.Data.Length > 120 && PacketHeader.Destination(sent.Data) == root.Id).ToList();
        Assert.NotEmpty(hellos);
        foreach (var (_, data, _) in hellos)
        {
            leaf.Receive(root.EndPoint, root.OkHello(data, leaf.EndPoint, worlds));
        }
    }

    private static byte[] Forged(Moon moon)
    {
        byte[] bytes = moon.ToBytes();
        bytes[100] ^= 1;
        return bytes;
    }

    /// <summary>The bytes of a moon.</summary>
    internal static byte[] Sample()
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        return CreateMoon(key).ToBytes();
    }

    private static Moon CreateMoon(PlanetSigningKey key) => Moon.Create(MoonId, Time(1), [Root(3, MoonRoot)], key);

    private static PlanetRoot Root(int identity, string address) => new(TestIdentities.All[identity], [Vl1Simulation.EndPoint(address)]);

    private static DateTimeOffset Time(int minute) => DateTimeOffset.UnixEpoch.AddYears(50).AddMinutes(minute);
}
