using System.Buffers.Binary;
using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Packets with a forged source, and recorded ones: neither makes the node send much, or send elsewhere.</summary>
public sealed class Vl1ForgeryTests
{
    private static readonly NodeIdentity Root = TestIdentities.All[0];
    private static readonly NodeIdentity Second = TestIdentities.All[1];
    private static readonly NodeIdentity Other = TestIdentities.All[2];
    private static readonly InetEndPoint Victim = Vl1Simulation.EndPoint("10.66.0.1");

    [Fact]
    public void Compressed_whois_is_measured_by_what_came_over_the_wire()
    {
        using var test = new NodeUnderTest(Root, TestPlanet(), "10.0.0.1", Asked);
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        stub.Introduce(test, test.Node.Planet);
        byte[] whois = stub.Build(Compressed(Verb.Whois), Repeated(Pattern));
        test.Take();
        test.Receive(Victim, [.. whois]);
        Assert.InRange(Sent(test, Victim), 1, Vl1Limits.Amplification * whois.Length);

        // From its path all of it is answered, each address once.
        test.Receive(stub.EndPoint, [.. whois]);
        Assert.Equal(Asked.Length, test.TakeFor(stub).Count(s => s.Verb == Verb.Ok));
    }

    [Fact]
    public void Whois_from_a_place_that_is_no_path_is_answered_with_little()
    {
        NodeId[] ids = [.. Enumerable.Range(1, Vl1Limits.WhoisAddresses).Select(i => new NodeId(0x10_0000_0000UL + (uint)i))];
        using var test = new NodeUnderTest(
            Root, TestPlanet(), "10.0.0.1", [.. ids.Select(id => new KnownPeer(TestIdentities.At(id), default, []))]);
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        stub.Introduce(test, test.Node.Planet);
        byte[] addresses = new byte[ids.Length * PacketHeader.AddressSize];
        for (int i = 0; i < ids.Length; i++)
        {
            PacketHeader.WriteAddress(addresses.AsSpan(i * PacketHeader.AddressSize), ids[i]);
        }

        byte[] whois = stub.Build(Verb.Whois, addresses);
        test.Take();
        test.Receive(Victim, [.. whois]);
        var answers = test.TakeFor(stub);
        Assert.Single(answers, sent => sent.Verb == Verb.Echo);
        Assert.Equal(Vl1Limits.Amplification * whois.Length / AnswerSize, answers.Count(sent => sent.Verb == Verb.Ok));

        // From a path everything is answered.
        test.Receive(stub.EndPoint, [.. whois]);
        Assert.Equal(ids.Length, test.TakeFor(stub).Count(s => s.Verb == Verb.Ok));
    }

    [Fact]
    public void Hops_that_anybody_may_write_prove_no_place()
    {
        using var test = new NodeUnderTest(Root, TestPlanet(Second), "10.0.0.1", Asked);
        var root = new StubPeer(Second, Root, "10.0.0.2");
        root.Introduce(test, test.Node.Planet);
        var stub = new StubPeer(Other, Root, "10.0.1.3");
        stub.Introduce(test, test.Node.Planet);
        byte[] whois = stub.Build(Compressed(Verb.Whois), Repeated(Pattern));
        whois[PacketHeader.FlagsOffset] |= 1;
        test.Take();
        test.Receive(root.EndPoint, [.. whois]);
        Assert.InRange(Sent(test, root.EndPoint), 0, Vl1Limits.Amplification * whois.Length);
    }

    [Fact]
    public void Compressed_echo_from_a_forged_place_is_not_echoed()
    {
        using var test = new NodeUnderTest(Root, TestPlanet(), "10.0.0.1");
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        stub.Introduce(test, test.Node.Planet);
        byte[] echo = stub.Build(Compressed(Verb.Echo), Repeated(Pattern));
        test.Take();
        test.Receive(Victim, [.. echo]);
        Assert.Equal(1, test.Node.Drops[DropReason.Amplification]);
        Assert.DoesNotContain(test.TakeFor(stub), sent => sent.Verb == Verb.Ok);

        test.Receive(Victim, stub.Build(Verb.Echo, "as long as it came"u8));
        Assert.Contains(test.TakeFor(stub), sent => sent.Verb == Verb.Ok && sent.To == Victim);
    }

    [Fact]
    public void Recorded_answers_teach_no_path()
    {
        using var test = new NodeUnderTest(Root, TestPlanet(), "10.0.0.1");
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        test.Receive(stub.EndPoint, stub.Hello(test.Node.Planet));
        byte[] hello = test.Take().First(
            sent => sent.To == stub.EndPoint && (Verb)(sent.Data[PacketHeader.VerbOffset] & PacketHeader.VerbMask) == Verb.Hello).Data;
        byte[] recorded = stub.OkHello(hello, test.EndPoint);
        test.Receive(stub.EndPoint, [.. recorded]);
        Assert.Equal(stub.EndPoint, Assert.Single(test.Node.FindPeer(stub.Id)!.Paths).EndPoint);

        test.Clock.Advance(TimeSpan.FromMilliseconds(1));
        for (int i = 1; i <= Vl1Limits.PathsPerPeer; i++)
        {
            test.Receive(Vl1Simulation.EndPoint($"10.66.{i}.1"), [.. recorded]);
        }

        Assert.Equal(stub.EndPoint, Assert.Single(test.Node.FindPeer(stub.Id)!.Paths).EndPoint);
        Assert.Equal(Vl1Limits.PathsPerPeer, test.Node.Drops[DropReason.Unexpected]);
    }

    [Fact]
    public void An_answer_to_nothing_teaches_no_path()
    {
        using var test = new NodeUnderTest(Root, TestPlanet(), "10.0.0.1");
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        stub.Introduce(test, test.Node.Planet);
        test.Take();

        // The ID that an empty entry of the table of expected replies seems to hold, and neighbours of it.
        for (ulong i = 0; i < 256; i++)
        {
            byte[] payload = new byte[9];
            payload[0] = (byte)Verb.Echo;
            BinaryPrimitives.WriteUInt64BigEndian(payload.AsSpan(1), (stub.Id.Value * 0x9e3779b97f4a7c15) ^ i);
            test.Receive(Victim, stub.Build(Verb.Ok, payload));
        }

        Assert.Equal(256, test.Node.Drops[DropReason.Unexpected]);
        Assert.Equal(stub.EndPoint, Assert.Single(test.Node.FindPeer(stub.Id)!.Paths).EndPoint);
    }

    [Fact]
    public void Answers_of_which_there_may_be_several_teach_no_path()
    {
        using var test = new NodeUnderTest(Root, TestPlanet(), "10.0.0.1");
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        stub.Introduce(test, test.Node.Planet);
        test.Take();
        test.Node.Send(stub.Id, Verb.MulticastGather, new byte[30]);
        byte[] ok = stub.Ok(Assert.Single(test.Take(), sent => sent.Data.Length < Fragments.Mtu).Data, Verb.MulticastGather, new byte[30]);
        test.Receive(stub.EndPoint, [.. ok]);
        test.Receive(Victim, [.. ok]);
        Assert.Equal(2, test.Client.Packets.Count(packet => packet.Verb == Verb.Ok));
        Assert.Equal(stub.EndPoint, Assert.Single(test.Node.FindPeer(stub.Id)!.Paths).EndPoint);

        // It is asked there, as after any packet.
        Assert.Contains(test.TakeFor(stub), sent => sent.Verb == Verb.Echo && sent.To == Victim);
    }

    [Fact]
    public void Planet_goes_to_a_place_that_has_answered_only()
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        PlanetRoot[] roots = [.. Enumerable.Range(0, 4)
            .Select(i => new PlanetRoot(i == 0 ? Root : TestIdentities.All[3 + i], [Vl1Simulation.EndPoint($"10.0.0.{i + 1}")]))];
        var old = Planet.Create(9, DateTimeOffset.UnixEpoch.AddYears(50), roots, key);
        var current = old.Update(DateTimeOffset.UnixEpoch.AddYears(51), roots, key);
        using var test = new NodeUnderTest(Root, current, "10.0.0.1");
        var stub = new StubPeer(Other, Root, "10.0.1.2");
        stub.Introduce(test, current);
        byte[] hello = stub.Hello(old);
        test.Take();
        test.Receive(Victim, [.. hello]);
        Assert.InRange(Sent(test, Victim), 1, Vl1Limits.Amplification * hello.Length);

        test.Receive(stub.EndPoint, stub.Hello(old));
        Assert.Contains(test.TakeFor(stub), sent => sent.Verb == Verb.Ok && sent.Payload.Length > current.ToBytes().Length);
    }

    [Fact]
    public void Packets_to_nobody_keep_no_pair_from_being_introduced()
    {
        using var test = new NodeUnderTest(Root, TestPlanet(Second), "10.0.0.1");
        new StubPeer(Second, Root, "10.0.0.2").Introduce(test, test.Node.Planet);
        var a = new StubPeer(Other, Root, "10.0.1.1");
        var b = new StubPeer(TestIdentities.All[3], Root, "10.0.2.1");
        a.Introduce(test, test.Node.Planet);
        b.Introduce(test, test.Node.Planet);
        test.Take();
        for (uint i = 1; i <= Vl1Limits.IntroducedPairs; i++)
        {
            test.Receive(a.EndPoint, a.Build(Verb.Frame, [1], to: new NodeId(0x10_0000_0000UL + i)));
        }

        // All go to the other root, which is introduced to nobody.
        Assert.Equal(Vl1Limits.IntroducedPairs, test.Take().Count);
        test.Receive(a.EndPoint, a.Build(Verb.Frame, [1], to: b.Id));
        var sent = test.Take();
        Assert.Equal(3, sent.Count);
        Assert.Contains(sent, s => PacketHeader.Destination(s.Data) == a.Id && a.Open(s.Data).Verb == Verb.Rendezvous);
        Assert.Contains(
            sent,
            s => PacketHeader.Source(s.Data) == Root.Address
                && PacketHeader.Destination(s.Data) == b.Id
                && b.Open(s.Data).Verb == Verb.Rendezvous);
    }

    [Fact]
    public void A_pair_is_introduced_only_by_a_packet_that_came_over_the_sources_path()
    {
        using var test = new NodeUnderTest(Root, TestPlanet(), "10.0.0.1");
        var a = new StubPeer(Other, Root, "10.0.1.1");
        var b = new StubPeer(TestIdentities.All[3], Root, "10.0.2.1");
        a.Introduce(test, test.Node.Planet);
        b.Introduce(test, test.Node.Planet);
        test.Take();
        byte[] frame = a.Build(Verb.Frame, new byte[60], to: b.Id);

        // Anybody can write a's address into a packet: it is relayed, as nobody could tell, and no more.
        test.Receive(Victim, [.. frame]);
        Assert.Equal(b.EndPoint, Assert.Single(test.Take()).To);

        // The forged one has not used up the pair's turn.
        test.Receive(a.EndPoint, [.. frame]);
        Assert.Equal(
            [a.EndPoint, b.EndPoint, b.EndPoint], test.Take().Select(sent => sent.To).OrderBy(to => to.ToString(), StringComparer.Ordinal));
    }

    [Fact]
    public void Pairs_beyond_the_bound_replace_the_oldest()
    {
        var introductions = new Introductions();
        var one = new NodeId(1);
        for (uint i = 0; i <= Vl1Limits.IntroducedPairs; i++)
        {
            Assert.True(introductions.TryBegin(one, new NodeId(2 + i), now: i));
        }

        Assert.Equal(Vl1Limits.IntroducedPairs, introductions.Count);
        Assert.False(introductions.TryBegin(new NodeId(3), one, now: 9000));
        Assert.True(introductions.TryBegin(new NodeId(2), one, now: 9000));
        Assert.False(introductions.TryBegin(new NodeId(5), one, now: Vl1Timing.Introduction + 2));
        Assert.True(introductions.TryBegin(new NodeId(5), one, now: Vl1Timing.Introduction + 3));
    }

    [Fact]
    public void Forged_strangers_that_keep_coming_do_not_keep_a_real_one_from_being_looked_up()
    {
        using var test = new NodeUnderTest(Root, TestPlanet(Second), "10.0.0.1");
        var root = new StubPeer(Second, Root, "10.0.0.2");
        root.Introduce(test, test.Node.Planet);
        for (int second = 0; second < 13; second++)
        {
            test.Clock.Advance(TimeSpan.FromSeconds(1));
            test.Take();
            for (uint i = 1; i <= Vl1Limits.PendingWhoisForStrangers; i++)
            {
                test.Receive(Victim, FromStranger(new NodeId(0x10_0000_0000UL + i)));
            }

        }

        Assert.InRange(test.Take().Count, 0, Vl1Limits.PendingWhoisForStrangers);
        byte[] address = new byte[PacketHeader.AddressSize];
        PacketHeader.WriteAddress(address, Other.Address);
        test.Receive(Vl1Simulation.EndPoint("10.0.1.3"), FromStranger(Other.Address));
        Assert.Contains(test.TakeFor(root), sent => sent.Verb == Verb.Whois && sent.Payload.AsSpan().SequenceEqual(address));
    }

    [Fact]
    public void Remembered_peers_are_brought_back_within_a_budget()
    {
        const int known = 1000;
        NodeId At(int i) => new(0x1000000000UL + (ulong)i);
        using var test = new NodeUnderTest(
            Root,
            TestPlanet(),
            "10.0.0.1",
            [.. Enumerable.Range(0, known)
                .Select(i => new KnownPeer(TestIdentities.At(At(i)), default, [Vl1Simulation.EndPoint("10.0.7.7")]))]);
        int greeted = test.Node.Snapshot().Count;
        test.Take();
        for (int i = 0; i < known; i++)
        {
            test.Receive(Victim, FromStranger(At(i)));
        }

        Assert.Equal(greeted + Vl1Limits.CacheRestores.Burst, test.Node.Snapshot().Count);
        Assert.InRange(test.Take().Count(sent => sent.To == Vl1Simulation.EndPoint("10.0.7.7")), 0, Vl1Limits.CacheRestores.Burst);

        // Nothing is lost: the others come back a little later.
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        test.Receive(Victim, FromStranger(At(known - 1)));
        Assert.NotNull(test.Node.FindPeer(At(known - 1)));
    }

    [Fact]
    public void Beyond_the_budget_a_remembered_identity_needs_no_second_proof_but_another_with_its_address_does()
    {
        NodeId At(int i) => new(0x1000000000UL + (ulong)i);
        var checks = new SimulatedChecks();
        using var test = new NodeUnderTest(
            Root,
            TestPlanet(),
            "10.0.0.1",
            [new KnownPeer(Other, default, []),
                .. Enumerable.Range(0, 100).Select(i => new KnownPeer(TestIdentities.At(At(i)), default, []))],
            checks: checks);
        int spent = 0;
        void SpendBudget()
        {
            for (int i = 0; i < Vl1Limits.CacheRestores.Burst; i++)
            {
                test.Receive(Victim, FromStranger(At(spent++)));
            }
        }

        SpendBudget();
        var impostor = new StubPeer(UnprovenIdentity.Create(new SeededRandom(5), Other.Address), Root, "10.0.1.3");
        test.Receive(impostor.EndPoint, impostor.Hello(test.Node.Planet));
        test.Clock.Advance(TimeSpan.FromMilliseconds(3));
        Assert.Null(test.Node.FindPeer(Other.Address));
        Assert.Equal(1, checks.Proofs);

        test.Clock.Advance(TimeSpan.FromMilliseconds(50));
        SpendBudget();
        var other = new StubPeer(Other, Root, "10.0.1.2");
        test.Receive(other.EndPoint, other.Hello(test.Node.Planet));
        Assert.Null(test.Node.FindPeer(Other.Address));
        test.Clock.Advance(TimeSpan.FromMilliseconds(3));
        Assert.NotNull(test.Node.FindPeer(Other.Address));
        Assert.Equal(1, checks.Proofs);
    }

    private static byte[] FromStranger(NodeId source)
    {
        byte[] packet = new byte[40];
        PacketHeader.WriteAddress(packet.AsSpan(PacketHeader.DestinationOffset), Root.Address);
        PacketHeader.WriteAddress(packet.AsSpan(PacketHeader.SourceOffset), source);
        packet[PacketHeader.FlagsOffset] = (byte)CipherSuite.Salsa20Poly1305 << 3;
        return packet;
    }

    private const int AnswerSize = 108;

    private static int Sent(NodeUnderTest test, InetEndPoint to) => test.Take().Where(sent => sent.To == to).Sum(sent => sent.Data.Length);

    private static Verb Compressed(Verb verb) => verb | (Verb)PacketHeader.CompressedFlag;

    // No multiple of the size of an address, so that its repetition is as many different addresses as it has bytes.
    private static readonly byte[] Pattern = [.. Enumerable.Range(1, 13).Select(i => (byte)i)];

    private static KnownPeer[] Asked => [.. Enumerable.Range(0, Pattern.Length).Select(static i =>
    {
        byte[] address = [.. Enumerable.Range(i, PacketHeader.AddressSize).Select(static at => Pattern[at % Pattern.Length])];
        return new KnownPeer(TestIdentities.At(PacketHeader.ReadAddress(address)), default, []);
    })];

    // A few bytes of LZ4 that say a lot: literals, then one match of 4595 bytes that repeats them, and no more.
    private static byte[] Repeated(byte[] pattern) =>
        [(byte)(pattern.Length << 4 | 0x0f), .. pattern, (byte)pattern.Length, 0, .. Enumerable.Repeat((byte)0xff, 17), 0xf1, 0];

    private static Planet TestPlanet(params NodeIdentity[] others)
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        NodeIdentity[] all = [Root, .. others];
        return Planet.Create(
            9,
            DateTimeOffset.UnixEpoch.AddYears(50),
            all.Select((root, i) => new PlanetRoot(root, [Vl1Simulation.EndPoint($"10.0.0.{i + 1}")])),
            key);
    }
}
