using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl1.Admission;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Unknown nodes get in, many at a time and under floods of forged HELLOs, and nobody else waits meanwhile.</summary>
public sealed class Vl1AdmissionTests(ITestOutputHelper output)
{
    private static readonly NodeIdentity Root = TestIdentities.All[0];
    private static readonly NodeIdentity Other = TestIdentities.All[1];

    public enum Flood
    {
        /// <summary>The MAC is wrong.</summary>
        Garbage,

        /// <summary>The MAC is right, the source addresses are those of others.</summary>
        Forged,

        /// <summary>The MAC is right, all come from one address, which does not answer.</summary>
        Deaf,

        /// <summary>The same, and what the node sends there is answered.</summary>
        Answering,
    }

    [Fact]
    public void A_hundred_new_nodes_behind_one_prefix_are_online_within_5_seconds()
    {
        using var simulation = new Vl1Simulation();
        var planet = simulation.CreatePlanet("10.0.0.1");
        var random = new SeededRandom(3);
        NodeIdentity[] identities = [.. Enumerable.Range(0, 100)
            .Select(i => UnprovenIdentity.Create(random, new NodeId(0x40_0000_0000UL + (uint)i)))];
        var checks = new SimulatedChecks([.. identities.Select(identity => identity.Address)]);
        simulation.Add(0, planet, simulation.Network.AddHost("root", "10.0.0.1"), node => node.Checks = checks);
        SimulatedNode[] nodes = [.. identities.Select((identity, i) =>
            simulation.Add(identity, planet, simulation.Network.AddHost($"new{i}", $"10.0.1.{1 + i}")))];
        bool all = simulation.RunUntil(() => nodes.All(node => node.Node.IsOnline), 5);
        output.WriteLine($"{nodes.Count(node => node.Node.IsOnline)} online after {simulation.Clock.Elapsed.TotalSeconds:f2} s");
        Assert.True(all, $"{nodes.Count(node => node.Node.IsOnline)} of 100 are online");
    }

    [Theory]
    [InlineData(Flood.Garbage)]
    [InlineData(Flood.Forged)]
    [InlineData(Flood.Deaf)]
    [InlineData(Flood.Answering)]
    public void Fresh_nodes_are_online_within_2_seconds_under_5000_forged_HELLOs_per_second(Flood flood)
    {
        using var simulation = new Vl1Simulation();
        var planet = simulation.CreatePlanet("10.0.0.1");
        var random = new SeededRandom(3);
        NodeIdentity[] identities = [.. Enumerable.Range(0, 5)
            .Select(i => UnprovenIdentity.Create(random, new NodeId(0x40_0000_0000UL + (uint)i)))];
        var checks = new SimulatedChecks([.. identities.Select(identity => identity.Address)]);
        var root = simulation.Add(0, planet, simulation.Network.AddHost("root", "10.0.0.1"), node => node.Checks = checks);
        var attacker = new Attacker(simulation, new HelloFlood(Root, planet), root, flood);
        simulation.Advance(2);
        SimulatedNode[] nodes = [.. identities.Select(
            (identity, i) => simulation.Add(identity, planet, simulation.Network.AddHost($"new{i}", $"10.{i}.1.1")))];
        var start = simulation.Clock.Elapsed;
        bool all = simulation.RunUntil(() => nodes.All(node => node.Node.IsOnline), 2);
        output.WriteLine($"all online after {(simulation.Clock.Elapsed - start).TotalSeconds:f2} s");
        output.WriteLine($"{attacker.Sent} forged, {checks.Agreements} agreements, {checks.Proofs} proofs");
        Assert.True(all, $"{nodes.Count(node => node.Node.IsOnline)} of {nodes.Length} are online");

        // What the flood costs is bounded, too.
        var busy = checks.Agreements * SimulatedChecks.AgreementCost / Vl1Limits.AgreementShare;
        Assert.InRange(
            busy,
            TimeSpan.Zero,
            simulation.Clock.Elapsed + Vl1Limits.AdmissionBurst / Vl1Limits.AgreementShare + SimulatedChecks.AgreementCost);
        busy = checks.Proofs * SimulatedChecks.ProofCost / Vl1Limits.ProofShare;
        var ahead = (Vl1Limits.AdmissionBurst + SimulatedChecks.ProofCost) / Vl1Limits.ProofShare;
        Assert.InRange(busy, TimeSpan.Zero, simulation.Clock.Elapsed + ahead);
    }

    [Fact]
    public void The_receiving_thread_checks_no_unknown_identity_and_answers_others_at_once()
    {
        var checks = new SimulatedChecks(Other.Address);
        using var test = Start(checks);
        var known = new StubPeer(Other, Root, "10.0.0.2");
        test.Receive(known.EndPoint, known.Hello(test.Node.Planet));
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        known.Introduce(test, test.Node.Planet);
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        test.Take();
        int before = checks.Agreements + checks.Proofs;
        var flood = new HelloFlood(Root, test.Node.Planet);
        for (int i = 0; i < 1000; i++)
        {
            test.Node.OnDatagram(0, flood.NextSource(), flood.Next());
        }

        // One that claims the address of a known node.
        var collider = new StubPeer(UnprovenIdentity.Create(new SeededRandom(8), Other.Address), Root, "10.0.0.3");
        test.Node.OnDatagram(0, collider.EndPoint, collider.Hello(test.Node.Planet));
        Assert.Equal(before, checks.Agreements + checks.Proofs);
        test.Node.OnDatagram(0, known.EndPoint, known.Build(Verb.Echo, [1, 2, 3]));
        test.Node.OnDatagram(0, known.EndPoint, known.Hello(test.Node.Planet));
        Assert.Equal([Verb.Ok, Verb.Ok], test.TakeFor(known).Select(sent => sent.Verb));

        // The queue is bounded, and the clock moves by what the checks cost.
        Assert.InRange(checks.Agreements + checks.Proofs, before, before);
        test.Clock.RunUntilIdle();
        Assert.InRange(checks.Agreements + checks.Proofs, before + 1, before + 2);
        test.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.InRange(checks.Agreements, 1, Vl1Limits.WaitingHellos + 1);
    }

    [Fact]
    public void A_newcomer_that_is_challenged_gets_in_when_it_answers_and_only_from_there()
    {
        var checks = new SimulatedChecks(Other.Address);
        using var test = Start(checks);
        var flood = new HelloFlood(Root, test.Node.Planet);
        for (int i = 0; i < Vl1Limits.UnchallengedNewcomers.Burst; i++)
        {
            test.Receive(flood.NextSource(), flood.Next());
        }

        test.Clock.Advance(TimeSpan.FromMilliseconds(50));
        test.Take();
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        test.Receive(stub.EndPoint, stub.Hello(test.Node.Planet));
        test.Clock.Advance(TimeSpan.FromMilliseconds(20));
        byte[] challenge = Assert.Single(test.Take(), sent => sent.To == stub.EndPoint).Data;
        Assert.Equal(Verb.Hello, stub.Open(challenge).Verb);

        // An answer to something else, one from elsewhere, and one that is damaged.
        byte[] wrong = [.. challenge];
        wrong[0] ^= 1;
        test.Receive(stub.EndPoint, stub.OkHello(wrong, test.EndPoint));
        test.Receive(Vl1Simulation.EndPoint("10.66.0.1"), stub.OkHello(challenge, test.EndPoint));
        byte[] damaged = stub.OkHello(challenge, test.EndPoint);
        damaged[^1] ^= 1;
        test.Receive(stub.EndPoint, damaged);
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(test.Node.FindPeer(stub.Id));

        test.Receive(stub.EndPoint, stub.OkHello(challenge, test.EndPoint));
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(stub.EndPoint, Assert.Single(test.Node.FindPeer(stub.Id)!.Paths).EndPoint);
        Assert.Contains(test.TakeFor(stub), sent => sent.Verb == Verb.Ok && sent.Payload[0] == (byte)Verb.Hello);
    }

    [Fact]
    public void A_flood_is_held_in_bounded_tables_and_leaves_nothing_behind()
    {
        using var test = Start(new SimulatedChecks());
        var flood = new HelloFlood(Root, test.Node.Planet);
        for (int i = 0; i < 8_000; i++)
        {
            test.Node.OnDatagram(0, flood.NextSource(), flood.Next());
            if (i % 8 == 0)
            {
                test.Clock.Advance(TimeSpan.FromMilliseconds(1));
            }
        }

        var (waiting, challenged) = test.Node.Newcomers;
        Assert.InRange(waiting, 1, Vl1Limits.WaitingHellos + Vl1Limits.WaitingProofs);
        Assert.InRange(challenged, 1, Vl1Limits.ChallengedNewcomers);
        Assert.True(test.Node.Drops[DropReason.HelloGate] > 0);
        test.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal((0, 0), test.Node.Newcomers);
        Assert.Empty(test.Node.Snapshot());
    }

    [Fact]
    public void A_full_queue_gives_everybody_the_same_chance()
    {
        var queue = new FairQueue<int>(64, new SeededRandom(1));
        int replacements = 0;
        for (int i = 0; i < 640; i++)
        {
            replacements += queue.Add(i, out _) ? 1 : 0;
        }

        Assert.Equal((64, 576), (queue.Count, replacements));
        var kept = new HashSet<int>();
        while (queue.TryTake(out int entry))
        {
            Assert.True(kept.Add(entry));
        }

        // Neither the first nor the last have it all: of each half some are left.
        Assert.Equal(64, kept.Count);
        Assert.Contains(kept, entry => entry < 576);
        Assert.Contains(639, kept);
        Assert.InRange(kept.Count(entry => entry >= 576), 20, 60);
    }

    [Fact]
    public void Work_that_had_to_wait_for_a_processor_is_charged_as_what_it_is()
    {
        var budget = new CoreBudget(0.5, TimeSpan.FromMilliseconds(10));
        var now = TimeSpan.FromSeconds(1);
        budget.Spend(TimeSpan.FromMilliseconds(10), now);
        Assert.Equal(TimeSpan.Zero, budget.Wait(now));
        budget.Spend(TimeSpan.FromMilliseconds(10), now);
        Assert.Equal(TimeSpan.FromMilliseconds(20), budget.Wait(now));
        budget.Spend(TimeSpan.FromMilliseconds(500), now);
        Assert.Equal(TimeSpan.FromMilliseconds(60), budget.Wait(now));
        Assert.True(budget.Wait(now + TimeSpan.FromMilliseconds(60)) <= TimeSpan.Zero);
    }

    [Fact]
    public void A_prefix_has_its_burst_and_its_rate_whatever_others_do()
    {
        var limits = new PrefixLimits(new SeededRandom(1));
        var rate = Vl1Limits.NewcomersPerPrefix;
        Assert.Equal(
            rate.Burst, Enumerable.Range(0, 200).Count(i => limits.TryTake(Vl1Simulation.EndPoint($"10.0.1.{i}"), byPort: false, now: 5)));
        Assert.True(limits.TryTake(Vl1Simulation.EndPoint("10.0.2.1"), byPort: false, now: 5));
        Assert.True(limits.TryTake(Vl1Simulation.EndPoint("2001:db8:1::1"), byPort: false, now: 5));
        Assert.Equal(
            rate.PerSecond,
            Enumerable.Range(0, 200).Count(i => limits.TryTake(Vl1Simulation.EndPoint($"10.0.1.{i}"), byPort: false, now: 1005)));
    }

    [Fact]
    public void A_fresh_leaf_repeats_its_HELLO_soon_then_later_and_not_in_step_with_others()
    {
        long[] first = HelloTimes(seed: 1);
        long[] second = HelloTimes(seed: 2);
        (int From, int To)[] windows = [(0, 0), (200, 300), (400, 600), (800, 1200), (1600, 2400), (5000, 5000)];
        Assert.All(windows.Index(), window =>
        {
            Assert.InRange(first[window.Index], window.Item.From, window.Item.To);
            Assert.InRange(second[window.Index], window.Item.From, window.Item.To);
        });
        Assert.NotEqual(first, second);
    }

    private static long[] HelloTimes(ulong seed)
    {
        using var test = new NodeUnderTest(Other, TestPlanet(), "10.0.0.2", seed: seed);
        var times = new List<long>();
        for (int now = 0; times.Count < 6; now += 10)
        {
            if (test.Take().Count > 0)
            {
                times.Add(now);
            }

            test.Clock.Advance(TimeSpan.FromMilliseconds(10));
        }

        return [.. times];
    }

    private static NodeUnderTest Start(IdentityChecks checks) => new(Root, TestPlanet(), "10.0.0.1", checks: checks);

    private static Planet TestPlanet()
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        return Planet.Create(9, DateTimeOffset.UnixEpoch.AddYears(50), [new PlanetRoot(Root, [Vl1Simulation.EndPoint("10.0.0.1")])], key);
    }

    // Five HELLOs each millisecond, for as long as the simulation runs.
    private sealed class Attacker : IDatagramReceiver
    {
        private readonly Vl1Simulation _simulation;
        private readonly HelloFlood _flood;
        private readonly SimulatedNode _target;
        private readonly Flood _kind;
        private readonly VirtualDatagramTransport _transport;

        public Attacker(Vl1Simulation simulation, HelloFlood flood, SimulatedNode target, Flood kind)
        {
            (_simulation, _flood, _target, _kind) = (simulation, flood, target, kind);
            _transport = simulation.Network.AddHost("attacker", "10.66.0.1").Open(Vl1Simulation.Port);
            _transport.Start(this);
            Go();
        }

        public int Sent { get; private set; }

        public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
        {
            if (_kind == Flood.Answering
                && (Verb)(datagram[PacketHeader.VerbOffset] & PacketHeader.VerbMask) == Verb.Hello
                && PacketHeader.Suite(datagram) == 0)
            {
                byte[] answer = _flood.Answer(datagram);
                _transport.Send(0, source, answer, answer.Length);
            }
        }

        public void OnBatchEnd(int socket)
        {
        }

        private void Go()
        {
            for (int i = 0; i < 5; i++)
            {
                byte[] hello = _flood.Next(_kind != Flood.Garbage);
                var source = _kind is Flood.Garbage or Flood.Forged ? _flood.NextSource() : _transport.LocalEndPoints[0];
                _target.Node.OnDatagram(0, source, hello);
                Sent++;
            }

            _simulation.Clock.Schedule(TimeSpan.FromMilliseconds(1), Go);
        }
    }
}
