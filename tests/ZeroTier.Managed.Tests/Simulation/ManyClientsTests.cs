using System.Diagnostics;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>
/// Ten thousand clients of one root, in virtual time. Nothing is lost on the way, so every request must be answered. Costs are counts of
/// operations; times are reported only.
/// </summary>
public sealed class ManyClientsTests(ITestOutputHelper output) : IDisposable
{
    private const int Clients = 10_000;
    private const int Few = 1_000;
    private const int Pairs = 300;

    private const int ArrivalsPerSecond = 70;

    // The rate at which the root checks proofs of work, on its share of a core.
    private static readonly double ProofsPerSecond = Vl1Limits.ProofShare / CrowdedRoot.ProofCost.TotalSeconds;

    private readonly CrowdedRoot _root = new();
    private readonly List<RootClient> _clients = [];
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    [Fact]
    public void Each_of_ten_thousand_clients_costs_as_much_as_one_of_a_thousand()
    {
        Arrive(Few);

        // Past the HELLOs that a node repeats once after its start.
        MinuteOfHellos();
        var few = MinuteOfHellos();
        Arrive(Clients - Few);
        var many = MinuteOfHellos();

        Assert.Equal((Clients, Clients), (_root.Node.Snapshot().Count, _root.Checks.Proofs));
        Assert.Equal(0, _root.Node.Drops[DropReason.HelloGate]);
        output.WriteLine($"per client and minute: {few} of {Few}, {many} of {Clients}");
        Assert.Equal((1, 1), (few.Received, few.Sent));
        Assert.Equal((1, 1), (many.Received, many.Sent));
        Assert.InRange(many.Allocated, 0, 1.1 * few.Allocated);
        Report("done");
    }

    [Fact]
    public void Clients_that_come_all_at_once_get_in_one_after_the_other()
    {
        Add(Clients);
        int seconds = 0;
        for (; _clients.Exists(client => client.Hellos.Answered == 0) && seconds < 600; seconds++)
        {
            SayHelloUntilAnswered();
            var (waiting, challenged) = _root.Node.Newcomers;
            Assert.InRange(waiting, 0, Vl1Limits.WaitingHellos + Vl1Limits.WaitingProofs);
            Assert.InRange(challenged, 0, Vl1Limits.ChallengedNewcomers);
        }

        Report($"{Clients} came at once and were answered within {seconds} s, by {_root.Checks.Agreements} key agreements");
        Assert.All(_clients, client => Assert.NotEqual(0, client.Hellos.Answered));

        // Each proof of work was checked once, on the share of a core that is for it.
        Assert.Equal(Clients, _root.Checks.Proofs);
        Assert.InRange(seconds, 0.9 * Clients / ProofsPerSecond, 1.2 * Clients / ProofsPerSecond);
    }

    [Fact]
    public void Pairs_find_each_other_also_after_restarts_of_the_root_and_of_clients()
    {
        Arrive(Clients);
        FindEachOther();
        Report("pairs have found each other");

        // A root that ends with all its clients in its store has them back within seconds, without a second look at any identity.
        _root.Restart(_root.Node.GetPersistentPeers());
        ReturnAtOnce();
        Assert.Equal(Clients, _root.Node.Snapshot().Count);
        Assert.Equal(Clients, _root.Checks.Proofs);
        FindEachOther();
        Report("the root was restarted");

        foreach (var client in _clients.Take(2 * Pairs))
        {
            client.Restart();
        }

        _root.Net.Advance(Vl1Timing.Introduction / 1000);
        ReturnAtOnce();
        FindEachOther();
        Assert.All(_clients, client => Assert.InRange(_root.Node.FindPeer(client.Id)!.Paths.Length, 1, 2));
        Assert.Equal(0, _root.Node.Drops[DropReason.Internal]);
        Report("clients were restarted");
    }

    [Fact]
    public void Clients_that_fall_silent_are_forgotten_but_for_their_identities()
    {
        Arrive(Clients);
        RootClient[] silent = [.. _clients.Skip(Clients / 2)];
        _clients.RemoveRange(Clients / 2, Clients / 2);
        for (int minute = 0; minute < 9; minute++)
        {
            MinuteOfHellos();
        }

        AssertSizes(Clients / 2, Clients / 2);
        _clients[0].AskFor(silent[0].Id);
        _root.Net.Advance(1);
        Assert.Equal([silent[0].Identity], _clients[0].Found);

        // They come back without a second look at their identities.
        _clients.AddRange(silent);
        ReturnAtOnce();
        AssertSizes(Clients, 0);
        Assert.Equal(Clients, _root.Checks.Proofs);
        Report($"{silent.Length} were forgotten and came back");
    }

    [Fact]
    public void More_clients_than_the_tables_hold_displace_the_silent_ones()
    {
        _root.Restart([.. Enumerable.Range(0, Vl1Limits.CachedPeers)
            .Select(i => new KnownPeer(TestIdentities.At(new NodeId(0x60_0000_0000UL + (uint)i)), default, []))]);
        int greeted = _root.Node.Snapshot().Count;
        AssertSizes(greeted, Vl1Limits.CachedPeers - greeted);
        Arrive(Clients);
        RootClient[] talking = [.. _clients.Take(Clients / 2)];
        _clients.RemoveRange(Clients / 2, Clients / 2);
        Arrive(Vl1Limits.Peers - Clients + Few);

        AssertSizes(Vl1Limits.Peers, Vl1Limits.CachedPeers);
        Assert.All(talking, client => Assert.NotNull(_root.Node.FindPeer(client.Id)));
        Assert.Equal(0, _root.Node.Drops[DropReason.TableFull]);
        Report("others came");
    }

    public void Dispose() => _root.Dispose();

    private void Report(string what) => output.WriteLine($"{what}: {_watch.Elapsed.TotalSeconds:0.0} s");

    private void AssertSizes(int peers, int cached)
    {
        int inMemory = _root.Node.Snapshot().Count;
        Assert.Equal((peers, cached), (inMemory, _root.Node.GetPersistentPeers().Count - inMemory));
    }

    private void Add(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _clients.Add(_root.AddClient());
        }
    }

    // New clients say HELLO, some each second, while those before them say it once a minute.
    private void Arrive(int count)
    {
        int known = _clients.Count;
        Add(count);
        for (int arrived = known; arrived < _clients.Count; arrived += ArrivalsPerSecond)
        {
            int until = Math.Min(arrived + ArrivalsPerSecond, _clients.Count);
            for (int i = arrived; i < until; i++)
            {
                _clients[i].SayHello();
            }

            SayHelloOnceAMinute(arrived);
            _root.Net.Advance(1);
        }

        AssertAnswered();
    }

    private (double Received, double Sent, double Allocated) MinuteOfHellos()
    {
        var traffic = _root.Node.Traffic;
        var (received, sent) = (traffic.DatagramsReceived, traffic.DatagramsSent);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int second = 0; second < 60; second++)
        {
            SayHelloOnceAMinute(_clients.Count);
            _root.Net.Advance(1);
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        AssertAnswered();
        double count = _clients.Count;
        return ((traffic.DatagramsReceived - received) / count, (traffic.DatagramsSent - sent) / count, allocated / count);
    }

    private void SayHelloOnceAMinute(int count)
    {
        int second = (int)_root.Net.Clock.Elapsed.TotalSeconds;
        for (int i = second % 60; i < count; i += 60)
        {
            _clients[i].SayHello();
        }
    }

    private void AssertAnswered() => Assert.All(_clients, client => Assert.Equal(client.Hellos.Sent, client.Hellos.Answered));

    // All say HELLO until they are answered.
    private void ReturnAtOnce()
    {
        _clients.ForEach(client => client.Forget());
        int seconds = 0;
        for (; _clients.Exists(client => client.Hellos.Answered == 0) && seconds < 60; seconds++)
        {
            SayHelloUntilAnswered();
        }

        Report($"all were answered within {seconds} s");
        Assert.DoesNotContain(0, _clients.Select(client => client.Hellos.Answered));
    }

    // A second in which clients say HELLO as nodes do that have no root: every 5 s until it answers.
    private void SayHelloUntilAnswered()
    {
        for (int i = 0; i < 10; i++)
        {
            int step = (int)(10 * _root.Net.Clock.Elapsed.TotalSeconds);
            for (int client = step % 50; client < _clients.Count; client += 50)
            {
                if (_clients[client].Hellos.Answered == 0)
                {
                    _clients[client].SayHello();
                }
            }

            _root.Net.Advance(0.1);
        }
    }

    // Pairs of clients look each other up and send packets through the root, which introduces them, once.
    private void FindEachOther()
    {
        (RootClient A, RootClient B)[] pairs = [.. Enumerable.Range(0, Pairs).Select(i => (_clients[2 * i], _clients[2 * i + 1]))];
        foreach (var (a, b) in pairs)
        {
            a.Forget();
            b.Forget();
            a.AskFor(b.Id);
            b.AskFor(a.Id);
        }

        _root.Net.Advance(1);
        foreach (var (a, b) in pairs)
        {
            for (int i = 0; i < 5; i++)
            {
                a.SendThroughRoot(b.Id);
                b.SendThroughRoot(a.Id);
            }
        }

        _root.Net.Advance(1);
        Assert.All(pairs, pair => AssertFound(pair.A, pair.B));
        Assert.All(pairs, pair => AssertFound(pair.B, pair.A));
    }

    private static void AssertFound(RootClient one, RootClient other)
    {
        Assert.Equal([other.Identity], one.Found);
        Assert.Equal(Enumerable.Repeat(other.Id, 5), one.Relayed);
        Assert.Equal([(other.Id, other.EndPoint)], one.Introduced);
    }
}
