using System.Buffers.Binary;
using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>
/// Nobody can use a node as an amplifier: a place that has not answered gets at most twice the bytes that were sent to have them sent
/// there, whatever the verb, the sender, and the way in which the place is named. In the sense of RFC 9000, 8, with 2 for 3.
/// </summary>
public sealed class Vl1AmplificationTests(ITestOutputHelper output)
{
    private const double Limit = 2;
    private const int Packets = 40;
    private static readonly NodeIdentity Root = TestIdentities.All[0];
    private static readonly NodeIdentity Second = TestIdentities.All[1];
    private static readonly NodeIdentity Me = TestIdentities.All[2];
    private static readonly NodeIdentity Other = TestIdentities.All[3];
    private static readonly NodeIdentity Third = TestIdentities.All[4];
    private static readonly InetEndPoint Victim = Vl1Simulation.EndPoint("10.66.0.1");
    private static readonly InetEndPoint VictimV6 = Vl1Simulation.EndPoint("2001:db8:66::1");
    private static readonly InetEndPoint Named = Vl1Simulation.EndPoint("10.68.0.1");
    private static readonly InetEndPoint NamedV6 = Vl1Simulation.EndPoint("2001:db8:68::1");
    private static readonly Planet Old = CreatePlanet(40);
    private static readonly Planet Current = CreatePlanet(50);
    private static readonly InetEndPoint Own = Vl1Simulation.EndPoint("10.0.7.7");

    public enum Role
    {
        Root,
        Leaf,
    }

    /// <summary>What the node knows of the sender.</summary>
    public enum Sender
    {
        /// <summary>Nothing.</summary>
        Unknown,

        /// <summary>An identity with a place, from an earlier run.</summary>
        Remembered,

        /// <summary>Its identity, but not the version that it speaks: every question must be a HELLO.</summary>
        Vouched,

        /// <summary>All, and a path.</summary>
        Familiar,
    }

    public static MatrixTheoryData<Role, Sender> Senders => new(Enum.GetValues<Role>(), Enum.GetValues<Sender>());

    [Theory]
    [MemberData(nameof(Senders))]
    public void A_place_gets_at_most_twice_what_came_from_it(Role role, Sender sender) => Judge(role, sender, [Victim, VictimV6]);

    [Theory]
    [MemberData(nameof(Senders))]
    public void A_place_that_a_packet_names_gets_at_most_twice_what_its_sender_sent(Role role, Sender sender) => Judge(role, sender, [Own]);

    private void Judge(Role role, Sender sender, InetEndPoint[] sources)
    {
        var wrong = new List<string>();
        var background = Background(role, sender);
        foreach (var (name, build) in Stimuli())
        {
            double worst = 0;
            foreach (var source in sources)
            {
                worst = Math.Max(worst, Measure(role, sender, source, hops: 0, background, build));
                worst = Math.Max(worst, Measure(role, sender, source, hops: 1, background, build));
            }

            output.WriteLine($"{worst:f2} {name}");
            if (worst > Limit)
            {
                wrong.Add($"{name}: {worst:f2}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    // The largest factor at any moment and for any place, but for those of the sender itself once it has answered there.
    private static double Measure(
        Role role, Sender sender, InetEndPoint source, int hops, Dictionary<InetEndPoint, int>[] background, Func<StubPeer, byte[]> build)
    {
        using var test = Start(role, sender, out var stub, out int before);
        int received = 0;
        var sent = new Dictionary<InetEndPoint, int>();
        double worst = 0;
        foreach (var without in background)
        {
            byte[] packet = build(stub);
            if (packet.Length >= PacketHeader.Size)
            {
                packet[PacketHeader.FlagsOffset] |= (byte)hops;
            }

            received += packet.Length;
            test.Receive(source, packet);
            Step(test, sent);
            foreach (var (to, bytes) in sent)
            {
                if (sender != Sender.Familiar || to != Own)
                {
                    worst = Math.Max(
                        worst, (double)(bytes - without.GetValueOrDefault(to)) / (to == source ? received : received + before));
                }
            }
        }

        return worst;
    }

    // What a node sends in any case, step by step.
    private static Dictionary<InetEndPoint, int>[] Background(Role role, Sender sender)
    {
        using var test = Start(role, sender, out _, out _);
        var sent = new Dictionary<InetEndPoint, int>();
        return [.. Enumerable.Range(0, Packets).Select(_ =>
        {
            Step(test, sent);
            return new Dictionary<InetEndPoint, int>(sent);
        })];
    }

    private static void Step(NodeUnderTest test, Dictionary<InetEndPoint, int> sent)
    {
        test.Clock.Advance(TimeSpan.FromMilliseconds(130));
        foreach (var (to, data, _) in test.Take())
        {
            sent[to] = sent.GetValueOrDefault(to) + data.Length;
        }
    }

    // Before: the bytes that the sender had sent until then from a place where it answers.
    private static NodeUnderTest Start(Role role, Sender sender, out StubPeer stub, out int before)
    {
        var me = role == Role.Root ? Root : Me;
        var known = new List<KnownPeer> { new(Third, default, [Vl1Simulation.EndPoint("10.0.9.9")]) };
        if (sender == Sender.Remembered)
        {
            // Not greeted at the start, as it is too far down in the list.
            for (uint i = 0; i < Vl1Limits.HellosAtStart; i++)
            {
                known.Add(
                    new KnownPeer(TestIdentities.At(new NodeId(0x20_0000_0000UL + i)), default, [Vl1Simulation.EndPoint("10.0.9.9")]));
            }

            known.Add(
                new KnownPeer(Other, PeerVersion.Ours, [Vl1Simulation.EndPoint("10.67.0.1"), Vl1Simulation.EndPoint("10.67.0.2"), Victim]));
        }
        else if (sender == Sender.Vouched)
        {
            known.Add(new KnownPeer(Other, default, []));
        }

        string address = role == Role.Root ? "10.0.0.1" : "10.0.5.5";
        var test = new NodeUnderTest(me, Current, address, known, null, 9, null, "10.1.0.1", "10.2.0.1", "2001:db8::1", "2001:db8::2");
        stub = new StubPeer(Other, me, "10.0.7.7");

        // The other root has a path, so that there is somebody to ask.
        new StubPeer(Second, me, "10.0.0.2").Introduce(test, Current);
        if (role == Role.Root)
        {
            // Somebody to relay to.
            new StubPeer(Third, me, "10.0.9.9").Introduce(test, Current);
        }

        before = -(int)test.Node.Traffic.BytesReceived;
        if (sender == Sender.Vouched)
        {
            test.Node.FindIdentity(Other.Address);
        }
        else if (sender == Sender.Familiar)
        {
            stub.Introduce(test, Current);
            stub.Introduce(test, Current);
            test.Receive(stub.EndPoint, stub.Build(Verb.Frame, new byte[60]));
        }

        before += (int)test.Node.Traffic.BytesReceived;
        test.Clock.Advance(TimeSpan.FromSeconds(16));
        test.Take();
        return test;
    }

    // Every verb with nothing, with a little, and with what makes it work.
    private static IEnumerable<(string Name, Func<StubPeer, byte[]> Build)> Stimuli()
    {
        NodeId[] unknown = [.. Enumerable.Range(1, Vl1Limits.WhoisAddresses).Select(i => new NodeId(0x10_0000_0000UL + (uint)i))];
        InetEndPoint[] ports = [.. Enumerable.Range(1, 32).Select(i => Vl1Simulation.EndPoint("10.68.0.1", (ushort)i))];
        foreach (var verb in Enum.GetValues<Verb>())
        {
            yield return ($"{verb}, empty", stub => stub.Build(verb, []));
            yield return ($"{verb}, 60 bytes", stub => stub.Build(verb, new byte[60]));
        }

        yield return ("HELLO", stub => stub.Hello(Current));
        yield return ("HELLO of an old planet", stub => stub.Hello(Old));
        yield return ("HELLO that ends after the identity", stub => stub.ShortHello());
        yield return ("WHOIS of one", stub => stub.Build(Verb.Whois, Addresses(Third.Address)));
        yield return ("WHOIS of one that is unknown", stub => stub.Build(Verb.Whois, Addresses(new NodeId(0x10_0000_0001UL))));
        yield return ("WHOIS of many that are unknown", stub => stub.Build(Verb.Whois, Addresses(unknown)));
        yield return ("push of one place", stub => stub.Build(Verb.PushDirectPaths, Push(Named)));
        yield return ("push of one place, eight times", stub => stub.Build(Verb.PushDirectPaths, Push([.. Enumerable.Repeat(Named, 8)])));
        yield return ("push of one IPv6 place, twice", stub => stub.Build(Verb.PushDirectPaths, Push(NamedV6, NamedV6)));
        yield return ("push of 32 ports of a place", stub => stub.Build(Verb.PushDirectPaths, Push(ports)));
        yield return ("request of a configuration", stub => stub.Build(Verb.NetworkConfigRequest, new byte[10]));
        yield return ("packet for a remembered node",
            stub => stub.Build(Verb.Nop, [], to: new NodeId(0x20_0000_0000UL + Vl1Limits.HellosAtStart - 1)));
        yield return ("packet for a node that is known", stub => stub.Build(Verb.Frame, new byte[60], to: Third.Address));
        yield return ("LAN beacon", stub =>
        {
            byte[] beacon = new byte[13];
            PacketHeader.WriteAddress(beacon.AsSpan(8), stub.Id);
            return beacon;
        }
        );
    }

    private static Planet CreatePlanet(int year)
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        PlanetRoot[] roots = [new(Root, [Vl1Simulation.EndPoint("10.0.0.1")]), new(Second, [Vl1Simulation.EndPoint("10.0.0.2")])];
        return Planet.Create(9, DateTimeOffset.UnixEpoch.AddYears(year), roots, key);
    }

    private static byte[] Addresses(params NodeId[] ids)
    {
        byte[] bytes = new byte[ids.Length * PacketHeader.AddressSize];
        for (int i = 0; i < ids.Length; i++)
        {
            PacketHeader.WriteAddress(bytes.AsSpan(i * PacketHeader.AddressSize), ids[i]);
        }

        return bytes;
    }

    private static byte[] Push(params InetEndPoint[] endPoints)
    {
        byte[] payload = new byte[2 + endPoints.Length * PushDirectPathsMessage.MaxRecordSize];
        return payload[..PushDirectPathsMessage.Write(payload, endPoints)];
    }
}
