using System.Globalization;
using System.Net;
using System.Text.Json;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>
/// The hand-made packets of <c>vl1-exchanges.json</c>, given to our node as they were given to ZeroTierOne 1.12 at the recorded times.
/// </summary>
public sealed class ExchangeTests
{
    private static readonly Dictionary<string, NodeIdentity> Identities = VectorFile.Identities("vl1-exchanges.json");
    private static readonly Dictionary<string, string> Addresses = new()
    {
        ["root"] = "44.0.0.1",
        ["A"] = "44.0.1.1",
        ["B"] = "44.0.2.1",
        ["C"] = "44.0.3.1",
        ["root2"] = "44.0.0.2",
    };

    /// <summary>
    /// Step, who plays the node under test, and the answers to C (verb and suite) that our node must give; those of ZeroTierOne 1.12 unless
    /// noted.
    /// </summary>
    public static TheoryData<string, string, string[]> Steps => new()
    {
        { "HELLO from C to root (proto 12)", "root", ["Ok 1", "Hello 0"] },
        { "HELLO from C to root, protocol version 3 (below minimum)", "root", [] },
        { "HELLO from C to root with minimal body (stops after the identity)", "root", ["Ok 3", "Hello 0"] },

        // One identity per answer, as ZeroTierOne 1.12 reads no more than one; and here one answer, as C's place has not answered and two
        // are more than twice the question. For the same reason what follows a short packet is an ECHO, or nothing where C's version is not
        // known, and not ZeroTierOne 1.12's HELLO.
        { "WHOIS for A, B, unknown 0102030405 in one packet", "root", ["Ok 3", "Echo 3"] },
        { "ECHO with 5 payload bytes, Salsa20", "root", ["Ok 3", "Echo 3"] },
        { "two ECHOs within 166 ms", "root", ["Ok 3", "Echo 3"] },
        { "unencrypted (cipher 0) ECHO", "root", ["Ok 3", "Echo 3"] },
        { "unknown verb 0x1e", "root", ["Echo 3"] },
        { "unsolicited OK(HELLO) from C to A", "A", [] },
        { "USER_MESSAGE from C to A, compressed body", "A", [] },
        { "RENDEZVOUS from non-upstream C to A", "A", [] },
        { "13-byte LAN beacon with C's address to A", "A", ["Nop 1"] },
        { "relay via leaf B (no trust with C)", "B", [] },
        { "3 fragments in order", "A", ["Ok 1", "Hello 0"] },
        { "reverse order", "A", ["Ok 1", "Hello 0"] },
    };

    [Theory]
    [MemberData(nameof(Steps))]
    public void The_recorded_stimulus_gives_the_recorded_kind_of_answer(string step, string role, string[] answers)
    {
        using var test = Start(
            role, known: role != "root" || !step.StartsWith("HELLO from C to root (proto 12)", StringComparison.Ordinal));
        var stub = new StubPeer(Identities["C"], Identities[role], Addresses["C"]);
        if (role == "root" && step is not "HELLO from C to root (proto 12)")
        {
            // The root of the recording knew C's version from the first step.
            test.Receive(stub.EndPoint, stub.Hello(test.Node.Planet));
            test.Clock.Advance(TimeSpan.FromSeconds(3));
            test.Take();
        }

        if (step.StartsWith("13-byte", StringComparison.Ordinal))
        {
            // Beacons are answered to peers in memory only.
            test.Receive(stub.EndPoint, stub.Build(Verb.Nop, []));
            test.Take();
        }

        Feed(test, step, "C", role);
        Assert.Equal(answers, test.TakeFor(stub).Select(answer => $"{answer.Verb} {(int)answer.Suite}"));
        Assert.Equal(0, test.Node.Drops[DropReason.Internal]);
    }

    [Fact]
    public void Answers_carry_the_recorded_contents()
    {
        using var test = Start("root", known: false);
        var stub = new StubPeer(Identities["C"], Identities["root"], Addresses["C"]);
        Feed(test, "HELLO from C to root (proto 12)", "C", "root");
        Assert.Equal(Recorded("HELLO from C to root (proto 12)", "root"), Convert.ToHexStringLower(test.TakeFor(stub)[0].Payload));
        foreach (string step in (string[])
        [
            "HELLO from C to root with minimal body (stops after the identity)",
            "ECHO with 5 payload bytes, Salsa20",
            "two ECHOs within 166 ms",
        ])
        {
            test.Clock.Advance(TimeSpan.FromSeconds(3));
            test.Take();
            Feed(test, step, "C", "root");
            Assert.Equal(Recorded(step, "root"), Convert.ToHexStringLower(test.TakeFor(stub)[0].Payload));
        }
    }

    [Fact]
    public void Relay_forwards_hops_0_1_2_as_1_2_3_and_drops_3()
    {
        const string Step = "relay: C to A through root with hops 0,1,2,3";
        using var test = Start("root", known: true);
        var a = new StubPeer(Identities["A"], Identities["root"], Addresses["A"]);
        a.Introduce(test, test.Node.Planet);
        test.Take();
        Feed(test, Step, "C", "root");
        var forwarded = test.Take().Where(
            sent => sent.To == a.EndPoint && PacketHeader.Source(sent.Data) == Identities["C"].Address).ToArray();
        var recorded = Packets(Step)
            .Where(record => record.GetProperty("sender").GetString() == "root")
            .Select(record => record.GetProperty("raw").GetString());
        Assert.Equal(recorded, forwarded.Select(sent => Convert.ToHexStringLower(sent.Data)));
        Assert.Equal(1, test.Node.Drops[DropReason.Hops]);
    }

    [Fact]
    public void Ext_frame_of_an_unknown_sender_waits_for_WHOIS_and_is_then_handed_up()
    {
        const string Step = "EXT_FRAME to A directly with ACK flag, C unknown to A";
        using var test = Start("A", known: false);
        var root = new StubPeer(Identities["root"], Identities["A"], Addresses["root"]);
        AnswerHellos(test, root);
        test.Take();
        Feed(test, Step, "C", "A");
        var whois = test.Take().Single(sent => sent.To == root.EndPoint);
        Assert.Equal(Verb.Whois, root.Open(whois.Data).Verb);
        Assert.Empty(test.Client.Packets);
        byte[] identity = new byte[NodeIdentity.BinarySize];
        Identities["C"].WriteTo(identity);
        test.Receive(root.EndPoint, root.Ok(whois.Data, Verb.Whois, identity));
        var packet = Assert.Single(test.Client.Packets);
        Assert.Equal(Verb.ExtFrame, packet.Verb);
        Assert.Equal(Packets(Step).First().GetProperty("payload").GetString(), Convert.ToHexStringLower(packet.Payload));
        var c = new StubPeer(Identities["C"], Identities["A"], Addresses["C"]);
        byte[] hello = Assert.Single(test.Take()).Data;
        Assert.Equal(Verb.Hello, c.Open(hello).Verb);

        // Our addresses are told to C, who is trusted now, once it has shown that it is there: they are longer than what came.
        test.Receive(c.EndPoint, c.OkHello(hello, test.EndPoint));
        test.Receive(c.EndPoint, c.Build(Verb.Nop, []));
        Assert.Equal(Verb.PushDirectPaths, Assert.Single(test.TakeFor(c)).Verb);
    }

    [Fact]
    public void Pushed_addresses_are_greeted_but_loopback_and_link_local_are_not()
    {
        using var test = Start("A", known: true);
        var c = new StubPeer(Identities["C"], Identities["A"], Addresses["C"]);
        c.Introduce(test, test.Node.Planet);
        test.Take();
        Feed(test, "PUSH_DIRECT_PATHS from C: loopback, link-local, 192.168.5.5, 44.0.3.9, he.net v6 -- to A", "C", "A");
        Assert.Equal(["192.168.5.5:9993", "44.0.3.9:9993"], test.TakeFor(c).Select(sent => sent.To.ToString()));
        test.Clock.Advance(TimeSpan.FromSeconds(3));
        test.Take();
        Feed(test, "9 PUSH_DIRECT_PATHS in a row from C to A (limit 8 per 30 s)", "C", "A");
        Assert.Equal(7, test.TakeFor(c).Count(sent => sent.To.ToString().StartsWith("192.168.6.", StringComparison.Ordinal)));
        Assert.Equal(2, test.Node.Drops[DropReason.RateGate]);
    }

    [Theory]
    [InlineData("HELLO proto 11 then ECHO", 1)]
    [InlineData("HELLO proto 4 then ECHO", 1)]
    [InlineData("HELLO proto 5 then ECHO", 1)]
    [InlineData("HELLO proto 12 then ECHO", 3)]
    public void Announced_version_decides_the_cipher_of_what_follows(string step, int suite)
    {
        using var test = Start("root", known: false);
        var stub = new StubPeer(Identities["C"], Identities["root"], Addresses["C"]);
        Feed(test, step, "C", "root");
        var oks = test.TakeFor(stub).Where(answer => answer.Verb == Verb.Ok).ToArray();
        Assert.Equal([1, suite], oks.Select(answer => (int)answer.Suite));
        Assert.Equal(
            Packets(step)
                .Where(record => record.GetProperty("sender").GetString() == "root" && record.GetProperty("verb", null) == "OK")
                .Select(record => record.GetProperty("payload").GetString()),
            oks.Select(answer => Convert.ToHexStringLower(answer.Payload)));
    }

    [Fact]
    public void Trusted_path_packets_are_dropped()
    {
        using var test = Start("root", known: true);
        Feed(test, "cipher 2", "A", "root");
        Assert.Empty(test.Take());
        Assert.Equal(1, test.Node.Drops[DropReason.Suite]);
    }

    [Fact]
    public void A_newer_planet_in_OK_HELLO_is_adopted_from_the_root_only()
    {
        using var test = Start("A", known: true);
        byte[] ok = Convert.FromHexString(
            Packets("update").First(record => record.GetProperty("sender").GetString() == "root").GetProperty("payload").GetString()!);
        byte[] newer = ok[^336..];
        Assert.True(Planet.Parse(newer).CanReplace(test.Node.Planet));
        var root = new StubPeer(Identities["root"], Identities["A"], Addresses["root"]);
        var hello = test.Take().First(sent => sent.To == root.EndPoint);
        test.Receive(root.EndPoint, root.OkHello(hello.Data, test.EndPoint, newer));
        Assert.Equal(newer, test.Node.Planet.ToBytes());
        Assert.Single(test.Client.Planets);
        test.Take();
        test.Clock.Advance(TimeSpan.FromSeconds(5));
        var root2 = new StubPeer(Identities["root2"], Identities["A"], Addresses["root2"]);
        Assert.Contains(test.TakeFor(root2), sent => sent.Verb == Verb.Hello && sent.To == root2.EndPoint);
    }

    private static void AnswerHellos(NodeUnderTest test, StubPeer root)
    {
        foreach (var (to, data, _) in test.Take())
        {
            if (to == root.EndPoint && root.Open(data).Verb == Verb.Hello)
            {
                test.Receive(root.EndPoint, root.OkHello(data, test.EndPoint));
            }
        }
    }

    // A node with the recorded planet; known: it knows C as ZeroTierOne 1.12 did at that point, without a version and without a path.
    private static NodeUnderTest Start(string role, bool known) => new(
        Identities[role],
        RecordedPlanet(),
        Addresses[role],
        [.. Identities.Where(entry => entry.Key is "A" or "B" || (entry.Key == "C" && known))
            .Select(entry => new KnownPeer(entry.Value, default, []))]);

    // The planet that came in the world update has a later revision; the one in use then had one root, and no file holds it: built anew
    // with the same numbers.
    private static Planet RecordedPlanet()
    {
        byte[] ok = Convert.FromHexString(
            Packets("update").First(record => record.GetProperty("sender").GetString() == "root").GetProperty("payload").GetString()!);
        byte[] newer = ok[^336..];

        // First root only, one millisecond earlier, the same update key; its own signature is never checked.
        byte[] current = [.. newer.AsSpan(0, 178), .. newer.AsSpan(178, 71 + 1 + 7)];
        current[177] = 1;
        ulong timestamp = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(current.AsSpan(9));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(current.AsSpan(9), timestamp - 1);
        return Planet.Parse(current);
    }

    // Delivers what the stub sent to the role under test in a step, at the recorded intervals.
    private static void Feed(NodeUnderTest test, string step, string sender, string role)
    {
        double? last = null;
        foreach (var record in Packets(step).Where(record => record.GetProperty("sender").GetString() == sender))
        {
            string[] udp = record.GetProperty("udp").GetString()!.Split(" > ");
            if (!udp[1].StartsWith(Addresses[role] + "/", StringComparison.Ordinal))
            {
                continue;
            }

            double time = record.GetProperty("t").GetDouble();
            if (last is { } before && time > before)
            {
                test.Clock.Advance(TimeSpan.FromSeconds(time - before));
            }

            last = time;
            test.Receive(
                InetEndPoint.From(IPEndPoint.Parse(udp[0].Replace("/", ":", true, CultureInfo.InvariantCulture))), record.Hex("raw"));
        }
    }

    private static IEnumerable<JsonElement> Packets(string step) =>
        VectorFile.Json("vl1-exchanges.json").GetProperty("scenarios").EnumerateArray()
            .SelectMany(scenario => scenario.GetProperty("steps").EnumerateArray())
            .Single(entry => entry.GetProperty("step").GetString() == step)
            .GetProperty("packets").EnumerateArray();

    private static string Recorded(string step, string sender) =>
        Packets(step).First(record => record.GetProperty("sender").GetString() == sender).GetProperty("payload").GetString()!;
}
