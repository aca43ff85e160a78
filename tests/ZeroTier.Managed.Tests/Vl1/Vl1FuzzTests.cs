using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Seeded mutations of real data: no exception, no unbounded table, whatever comes.</summary>
public sealed class Vl1FuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Parsers_survive_mutations(ulong seed)
    {
        var random = new SeededRandom(seed);
        byte[][] seeds =
        [
            PlanetTests.DefaultPlanet(),
            .. TraceTests.Packets("trace-adhoc.json")
                .Where(record => record.TryGetProperty("payload", out _))
                .Select(record => record.Hex("payload"))
                .DistinctBy(payload => payload.Length),
        ];
        int planets = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] data = Mutation.Of(seeds[random.Next(seeds.Length)], random);
            planets += Planet.TryParse(data, out _) ? 1 : 0;
            HelloMessage.TryRead(data, out _);
            OkHelloMessage.TryRead(data.AsSpan(Math.Min(9, data.Length)), out _);
            OkHelloMessage.TryRead(data, out _);
            RendezvousMessage.TryRead(data, out _);
            WireAddress.TryRead(data, out _, out _);
            KnownPeer.TryRead(data);
            var push = new PushDirectPathsMessage(data);
            int records = 0;
            while (push.TryReadNext(out _))
            {
                Assert.True(++records <= data.Length / 5);
            }
        }

        Assert.True(planets > 0);
    }

    // Datagrams damaged on the wire: mostly refused by the MAC, HELLOs and fragments by their parsers.
    [Theory]
    [InlineData("trace-adhoc.json", "server", 1)]
    [InlineData("trace-adhoc.json", "root", 2)]
    [InlineData("vl1-exchanges.json", "A", 3)]
    [InlineData("vl1-exchanges.json", "root", 4)]
    public void Node_fed_mutated_datagrams_survives_and_keeps_its_bounds(string file, string role, ulong seed)
    {
        var random = new SeededRandom(seed);
        var identities = VectorFile.Identities(file);
        byte[][] seeds = [.. TraceTests.Packets(file).Select(record => record.Hex("raw"))];
        using var test = new NodeUnderTest(
            identities[role],
            Planet.Parse(VectorFile.Json("trace-adhoc.json").Hex("planet_hex")),
            "10.0.0.7",
            [.. identities.Values.Select(identity => new KnownPeer(identity, default, []))]);
        for (int i = 0; i < 6000; i++)
        {
            byte[] datagram = Mutation.Of(seeds[random.Next(seeds.Length)], random);
            if (random.Next(3) != 0 && datagram.Length >= 13)
            {
                PacketHeader.WriteAddress(datagram.AsSpan(8), identities[role].Address);
            }

            test.Receive(Vl1Simulation.EndPoint($"10.{random.Next(4)}.{random.Next(4)}.9", (ushort)random.Next(65536)), datagram);
            if (i % 50 == 0)
            {
                test.Clock.Advance(TimeSpan.FromMilliseconds(random.Next(700)));
                test.Transport.Sent.Clear();
                test.Take();
            }
        }

        AssertSound(test);
    }

    // The same behind the MAC: a hostile member of the network, or a hostile root.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Node_fed_mutated_payloads_by_authenticated_peers_survives_and_keeps_its_bounds(ulong seed)
    {
        var random = new SeededRandom(seed);
        var me = TestIdentities.All[1];
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        bool amRoot = seed == 2;
        var planet = Planet.Create(
            9,
            DateTimeOffset.UnixEpoch.AddYears(50),
            [new PlanetRoot(TestIdentities.All[amRoot ? 1 : 0], [Vl1Simulation.EndPoint("10.0.0.1")])],
            key);
        using var test = new NodeUnderTest(
            me, planet, "10.0.0.2", [.. TestIdentities.All.Skip(2).Take(3).Select(identity => new KnownPeer(identity, default, []))]);
        StubPeer[] peers = [.. new[] { 0, 2, 3, 4 }.Select(
            i => new StubPeer(TestIdentities.All[i], me, i == 0 ? "10.0.0.1" : $"10.{i}.0.1"))];
        test.Client.Judge = (_, verb) => (PacketResult)random.Next(4);
        byte[][] seeds = [.. TraceTests.Packets("trace-adhoc.json")
            .Where(record => record.TryGetProperty("payload", out _))
            .Select(record => record.Hex("payload"))];
        for (int i = 0; i < 6000; i++)
        {
            var peer = peers[random.Next(peers.Length)];
            byte[] payload = Mutation.Of(seeds[random.Next(seeds.Length)], random);
            if (payload.Length > 2000)
            {
                continue;
            }

            var verb = (Verb)random.Next(256);
            if (verb == Verb.Ok && payload.Length > 9 && test.Transport.Sent.Count > 0)
            {
                // An OK that quotes what was really sent.
                var sent = test.Transport.Sent[random.Next(test.Transport.Sent.Count)].Data;
                sent.AsSpan(0, Math.Min(8, sent.Length)).CopyTo(payload.AsSpan(1));
            }

            test.Receive(
                random.Next(4) == 0 ? Vl1Simulation.EndPoint($"10.9.{random.Next(250)}.1") : peer.EndPoint,
                peer.Build(verb, payload, (CipherSuite)(random.Next(2) * 3)));
            if (i % 20 == 0)
            {
                test.Clock.Advance(TimeSpan.FromMilliseconds(random.Next(900)));
                test.Client.Packets.Clear();
                if (test.Transport.Sent.Count > 1000)
                {
                    test.Transport.Sent.Clear();
                    test.Take();
                }
            }
        }

        AssertSound(test);
    }

    private static void AssertSound(NodeUnderTest test)
    {
        Assert.Equal(0, test.Node.Drops[DropReason.Internal]);
        Assert.InRange(test.Node.Snapshot().Count, 0, TestIdentities.All.Count + 4);
        Assert.All(test.Transport.Sent, sent => Assert.False(sent.To.IsLoopback));
        test.Transport.Sent.Clear();
        test.Take();
        test.Clock.Advance(TimeSpan.FromSeconds(11));
        Assert.InRange(test.Transport.Sent.Count, 0, 400);
        Assert.Equal(0, test.Node.Drops[DropReason.Internal]);
    }
}
