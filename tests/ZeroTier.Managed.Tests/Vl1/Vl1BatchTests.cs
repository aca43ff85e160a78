using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>The sending side of the data plane.</summary>
public sealed class Vl1BatchTests
{
    private static readonly NodeIdentity Me = TestIdentities.All[0];

    [Fact]
    public void Packets_of_one_size_to_one_path_go_out_with_one_call_and_a_shorter_one_ends_it()
    {
        using var test = Create(out var a, out var b);
        using var batch = test.Node.BeginBatch();
        foreach (var (to, size) in ((StubPeer To, int Size)[])[(a, 1000), (a, 1000), (a, 400), (a, 1000), (b, 1000), (b, 1001)])
        {
            batch.Reserve(size).Fill(7);
            batch.Commit(to.Id, Verb.Frame);
        }

        test.Transport.Calls.Clear();
        batch.Send();
        Assert.Equal([(2 * 1028 + 428, 1028), (1028, 1028), (1028, 1028), (1029, 1029)], test.Transport.Calls);
        var packets = test.Take();
        Assert.Equal([1000, 1000, 400, 1000], packets.Where(p => p.To == a.EndPoint).Select(p => a.Open(p.Data).Payload.Length));
        Assert.Equal([1000, 1001], packets.Where(p => p.To == b.EndPoint).Select(p => b.Open(p.Data).Payload.Length));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(1404)]
    [InlineData(3000)]
    [InlineData(Vl1Batch.MaxPayload)]
    public void Many_packets_all_arrive_within_the_transports_limits(int size)
    {
        using var test = Create(out var a, out _);
        using var batch = test.Node.BeginBatch();
        for (int i = 0; i < 200; i++)
        {
            batch.Reserve(size).Fill((byte)i);
            batch.Commit(a.Id, Verb.Frame);
        }

        batch.Send();
        var reassembly = new PacketReassembly(new DropCounters());
        var arrived = new List<byte>();
        foreach (var (_, data, _) in test.Take())
        {
            Assert.InRange(data.Length, 28, Fragments.Mtu);
            byte[]? whole = data;
            int length = data.Length;
            bool fragment = Fragments.IsFragment(data);
            if ((!fragment && PacketHeader.IsFragmented(data)) || fragment)
            {
                int marks = fragment ? data[Fragments.CountOffset] : 0;
                if (!reassembly.TableOf(PacketHeader.PacketId(data)).TryComplete(
                    PacketHeader.PacketId(data),
                    marks & 15,
                    marks >> 4,
                    default,
                    data.AsSpan(fragment ? 16 : 0),
                    0,
                    out whole,
                    out length,
                    out _))
                {
                    continue;
                }
            }

            var (verb, payload, suite, _) = a.Open(whole![..length]);
            Assert.Equal((Verb.Frame, CipherSuite.AesGmacSiv, size), (verb, suite, payload.Length));
            arrived.Add(payload[0]);
        }

        Assert.Equal(Enumerable.Range(0, 200).Select(i => (byte)i), arrived);
    }

    [Fact]
    public void A_reservation_that_is_not_committed_is_void_and_too_long_ones_are_refused()
    {
        using var test = Create(out var a, out _);
        using var batch = test.Node.BeginBatch();
        batch.Reserve(100);
        batch.Reserve(5).Fill(1);
        batch.Commit(a.Id, Verb.Frame);
        batch.Send();
        Assert.Equal([1, 1, 1, 1, 1], a.Open(Assert.Single(test.Take()).Data).Payload);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Reserve(Vl1Batch.MaxPayload + 1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Reserve(-1).Length);
    }

    [Fact]
    public void Sending_and_receiving_frames_of_a_known_peer_allocates_nothing()
    {
        using var test = Create(out var a, out _);
        test.Transport.Keep = false;
        test.Client.Judge = (_, _) => PacketResult.Accepted;
        byte[] incoming = a.Build(Verb.Frame, new byte[1000]);
        byte[] copy = [.. incoming];
        Round(20);
        test.Client.Packets.Capacity = 4000;
        long before = GC.GetAllocatedBytesForCurrentThread();
        Round(1000);
        long perRound = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;

        // The recording client copies each payload: 1024 bytes and nothing else.
        Assert.InRange(perRound, 0, 1024 + 8);

        void Round(int times)
        {
            for (int i = 0; i < times; i++)
            {
                incoming.CopyTo(copy, 0);
                test.Node.OnDatagram(0, a.EndPoint, copy);
                using var batch = test.Node.BeginBatch();
                for (int k = 0; k < 10; k++)
                {
                    batch.Reserve(1000);
                    batch.Commit(a.Id, Verb.Frame);
                }

                batch.Send();
            }
        }
    }

    [Fact]
    public void A_batch_given_back_unsent_sends_nothing_and_is_used_again()
    {
        using var test = Create(out var a, out _);
        var batch = test.Node.BeginBatch();
        batch.Reserve(5);
        batch.Commit(a.Id, Verb.Frame);
        batch.Dispose();
        using var again = test.Node.BeginBatch();
        Assert.Same(batch, again);
        again.Send();
        Assert.Empty(test.Take());
    }

    private static NodeUnderTest Create(out StubPeer a, out StubPeer b)
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        var planet = Planet.Create(
            9, DateTimeOffset.UnixEpoch.AddYears(50), [new PlanetRoot(Me, [Vl1Simulation.EndPoint("10.0.0.1")])], key);
        var test = new NodeUnderTest(Me, planet, "10.0.0.1");
        a = new StubPeer(TestIdentities.All[1], Me, "10.1.0.1");
        b = new StubPeer(TestIdentities.All[2], Me, "10.2.0.1");
        a.Introduce(test, planet);
        b.Introduce(test, planet);
        AnswerProbe(test, a);
        AnswerProbe(test, b);
        return test;
    }

    // The first packet on a path asks whether the usual size passes. On Ethernet, the system refuses to send the largest one.
    private static void AnswerProbe(NodeUnderTest test, StubPeer peer)
    {
        test.Take();
        test.Node.Send(peer.Id, Verb.Frame, [1]);
        var probe = Assert.Single(test.Take(), sent => sent.Data.Length == Fragments.Mtu);
        test.Receive(peer.EndPoint, peer.OkHello(probe.Data, test.EndPoint));
        Assert.Equal(PathMtu.Max, Assert.Single(test.Take()).Data.Length);
        test.Node.OnRefused(0, peer.EndPoint, PathMtu.Max);
        Assert.Empty(test.Take());
    }
}
