using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Loss, and what only looks like it.</summary>
public sealed class TcpRecoveryTests
{
    private const TcpFlags Ack = TcpFlags.Ack;
    private const int Mss = 1000;

    [Fact]
    public void Rfc2883_4_1_RepeatedDataBelowTheAcknowledgement_IsReportedFirst()
    {
        using TcpPeer peer = Open();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "abcd");
        peer.Forget();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "abcd");
        TcpSegment report = peer.Expect(Ack);
        Assert.Equal(1, report.SackCount);
        Assert.Equal(new SackBlock(peer.OurNext, peer.OurNext + 4), report.Sack[0]);

        // Once: the next acknowledgement says nothing of it.
        peer.Send(Ack, peer.OurNext + 10, peer.TheirNext, payload: "xy");
        report = peer.Expect(Ack);
        Assert.Equal(1, report.SackCount);
        Assert.Equal(new SackBlock(peer.OurNext + 10, peer.OurNext + 12), report.Sack[0]);
    }

    [Fact]
    public void Rfc2883_4_2_RepeatedDataBehindAGap_IsReportedBeforeTheBlockThatHoldsIt()
    {
        using TcpPeer peer = Open();
        peer.Send(Ack, peer.OurNext + 10, peer.TheirNext, payload: "0123456789");
        peer.Forget();
        peer.Send(Ack, peer.OurNext + 12, peer.TheirNext, payload: "234");
        TcpSegment report = peer.Expect(Ack);
        Assert.Equal(2, report.SackCount);
        Assert.Equal(new SackBlock(peer.OurNext + 12, peer.OurNext + 15), report.Sack[0]);
        Assert.Equal(new SackBlock(peer.OurNext + 10, peer.OurNext + 20), report.Sack[1]);
    }

    [Fact]
    public void Rfc2883_4_PartlyRepeatedData_IsReportedAsFarAsItWasKnown()
    {
        using TcpPeer peer = Open();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "abcd");
        peer.Forget();
        peer.Send(Ack, peer.OurNext + 2, peer.TheirNext, payload: "cdef");
        TcpSegment report = peer.Expect(Ack);
        Assert.Equal(peer.OurNext + 6, report.Acknowledgement);
        Assert.Equal(1, report.SackCount);
        Assert.Equal(new SackBlock(peer.OurNext + 2, peer.OurNext + 4), report.Sack[0]);
        Assert.Equal("abcdef", peer.Read());
    }

    [Fact]
    public void Rfc2883_PeerWithoutSelectiveAcknowledgements_GetsNoReport()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "abcd");
        peer.Forget();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "abcd");
        Assert.Equal(0, peer.Expect(Ack).SackCount);
    }

    [Fact]
    public void Rfc3708_AllRetransmissionsReportedAsRepeated_TheWindowIsRestored()
    {
        using TcpPeer peer = Open();
        uint next = Reorder(peer, 10);

        // The first transmission was late, the second needless: both have arrived.
        peer.Send(WithSack(peer, peer.TheirNext + 10 * Mss, new SackBlock(peer.TheirNext, peer.TheirNext + Mss)));
        Assert.Equal(1, peer.Statistics[TcpCounter.SpuriousRetransmissions]);
        Assert.Equal(1, peer.Statistics[TcpCounter.RecoveriesUndone]);
        Assert.InRange(Burst(peer, next), 10, 21);
    }

    [Fact]
    public void Rfc3708_NothingReportedAsRepeated_TheWindowStaysReduced()
    {
        using TcpPeer peer = Open();
        uint next = Reorder(peer, 10);
        peer.Send(WithSack(peer, peer.TheirNext + 10 * Mss));
        Assert.Equal(0, peer.Statistics[TcpCounter.RecoveriesUndone]);
        Assert.InRange(Burst(peer, next), 4, 7);
    }

    [Fact]
    public void Rfc4015_3_2_PathSlowerThanTheTimeout_IsLearntFromTheFirstSpuriousOne()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        pair.Link.Conditions.Delay = TimeSpan.FromMilliseconds(500);
        for (int i = 1; i <= 20; i++)
        {
            pair.Clock.Run(() => client.Output.WriteAsync(new byte[100]).AsTask(), TcpPair.Minutes);
            pair.Clock.Advance(TimeSpan.FromSeconds(2));
            Assert.True(server.Input.TryRead(out var read));
            server.Input.AdvanceTo(read.Buffer.End);
        }

        Assert.Equal(1, pair.A.Layer.Statistics[TcpCounter.RecoveriesUndone]);
        Assert.InRange(pair.A.Layer.Statistics[TcpCounter.Retransmissions], 1, 2);
        Assert.InRange(client.RoundTripTime.TotalSeconds, 1, 1.1);
    }

    [Fact]
    public void Rfc4015_3_2_LostAcknowledgement_IsNoSlowPath()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        pair.Clock.Run(() => client.Output.WriteAsync(new byte[100]).AsTask(), TcpPair.Minutes);
        pair.Clock.Advance(pair.Link.Conditions.Delay);
        Assert.True(server.Input.TryRead(out _));
        pair.Link.Conditions.Cut = true;
        pair.Clock.Advance(TimeSpan.FromMilliseconds(100));
        pair.Link.Conditions.Cut = false;
        pair.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(1, pair.A.Layer.Statistics[TcpCounter.RecoveriesUndone]);
        Assert.InRange(client.RoundTripTime.TotalSeconds, 0.02, 0.03);
    }

    [Fact]
    public void Rfc3522_3_2_AcknowledgementEchoesATimestampFromBefore_TheWindowIsRestored()
    {
        using TcpPeer peer = Open(timestamps: true);
        uint next = Reorder(peer, 10, timestamps: true, out uint before);
        OutgoingSegment late = WithSack(peer, peer.TheirNext + 10 * Mss);
        late.HasTimestamps = true;
        late.TimestampValue = 1001;
        late.TimestampEcho = before;
        peer.Send(late);
        Assert.Equal(1, peer.Statistics[TcpCounter.RecoveriesUndone]);
        Assert.InRange(Burst(peer, next), 10, 21);
    }

    [Fact]
    public void Rfc8985_6_2_AfterANeedlessRetransmission_ThreeSegmentsBeyondAGapAreNoLossYet()
    {
        using TcpPeer peer = Open();
        Reorder(peer, 10);
        peer.Send(WithSack(peer, peer.TheirNext + 10 * Mss, new SackBlock(peer.TheirNext, peer.TheirNext + Mss)));
        peer.Forget();
        uint start = peer.TheirNext + 10 * Mss;
        peer.Write(8 * Mss);
        peer.Forget();
        peer.Clock.Advance(TimeSpan.FromMilliseconds(20));
        peer.Send(WithSack(peer, start, new SackBlock(start + Mss, start + 6 * Mss)));
        peer.ExpectNothing();

        // Two quarters of the shortest round trip later it is one.
        peer.Clock.Advance(TimeSpan.FromMilliseconds(9));
        peer.ExpectNothing();
        peer.Clock.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal(start, peer.Expect(Ack).Sequence);
    }

    [Fact]
    public void Rfc8985_7_4_TailProbeRepairedALoss_TheWindowIsReduced_NeedlessProbe_ItIsNot()
    {
        foreach (bool needless in (bool[])[true, false])
        {
            using TcpPeer peer = Open();
            peer.Write(10 * Mss);
            peer.Forget();
            peer.Clock.Advance(TimeSpan.FromMilliseconds(20));
            uint end = peer.TheirNext + 10 * Mss;
            peer.Send(WithSack(peer, end - 3 * Mss));
            peer.Clock.Advance(TimeSpan.FromMilliseconds(60));
            Assert.Equal(end - Mss, peer.Expect(Ack).Sequence);
            peer.ExpectNothing();
            peer.Write(Mss);
            peer.Forget();
            peer.Send(needless ? WithSack(peer, end + Mss, new SackBlock(end - Mss, end)) : WithSack(peer, end + Mss));
            Assert.Equal(0, peer.Statistics[TcpCounter.RetransmissionTimeouts]);
            int burst = Burst(peer, end + Mss);
            Assert.True(needless ? burst >= 10 : burst <= 4, $"{needless}: {burst} segments.");
        }
    }

    [Fact]
    public void Rfc5681_4_2_ShortSegmentBehindAFullOne_IsAcknowledgedAtOnce()
    {
        using TcpPeer peer = Open();
        string full = new('f', Mss);
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: full);
        peer.ExpectNothing();
        peer.Send(Ack, peer.OurNext + Mss, peer.TheirNext, payload: "end");
        Assert.Equal(peer.OurNext + Mss + 3, peer.Expect(Ack).Acknowledgement);
    }

    [Fact]
    public void Clean_path_bulk_and_requests_of_all_sizes_sends_nothing_twice()
    {
        foreach (double delay in (double[])[0.05, 0.5, 5, 50])
        {
            using var pair = new TcpPair();
            pair.Link.IsTraced = false;
            pair.Link.Conditions.Delay = TimeSpan.FromMilliseconds(delay);
            (TcpSocket client, TcpSocket server) = pair.Connect();
            pair.Clock.Run(
                async () =>
                {
                    for (int size = 1; size < 400_000; size = size * 3 / 2 + 1)
                    {
                        await TcpTraffic.SendAsync(client.Output, size, 1, complete: false);
                        System.IO.Pipelines.ReadResult request = await server.Input.ReadAtLeastAsync(size, CancellationToken.None);
                        server.Input.AdvanceTo(request.Buffer.End);
                        await TcpTraffic.SendAsync(server.Output, size / 2 + 1, 1, complete: false);
                        System.IO.Pipelines.ReadResult answer = await client.Input.ReadAtLeastAsync(size / 2 + 1, CancellationToken.None);
                        client.Input.AdvanceTo(answer.Buffer.End);
                    }
                },
                TcpPair.Minutes);
            Assert.Equal(0, pair.A.Layer.Statistics[TcpCounter.Retransmissions] + pair.B.Layer.Statistics[TcpCounter.Retransmissions]);
            Assert.Equal(
                0, pair.A.Layer.Statistics[TcpCounter.OutOfOrderSegments] + pair.B.Layer.Statistics[TcpCounter.OutOfOrderSegments]);
        }
    }

    [Fact]
    public void Transmit_while_an_earlier_batch_is_not_yet_sent_waits_for_it()
    {
        using TcpPeer peer = Open();
        Func<Packet, bool> record = peer.Link.Filter!;
        bool nested = false;
        peer.Link.Filter = packet =>
        {
            bool result = record(packet);
            if (!nested)
            {
                // The batch is on its way and not yet through; the application writes on another thread, as it were.
                nested = true;
                peer.Write(2 * Mss);
            }

            return result;
        };
        peer.Write(3 * Mss);
        for (uint i = 0; i < 5; i++)
        {
            Assert.Equal(peer.TheirNext + i * Mss, peer.Expect(Ack).Sequence);
        }

        peer.ExpectNothing();
    }

    [Fact]
    public void Transmit_with_each_batch_answered_before_it_is_through_needs_no_more_stack()
    {
        using TcpPeer peer = Open();
        Func<Packet, bool> record = peer.Link.Filter!;
        uint acknowledged = peer.TheirNext;
        int rounds = 0;
        int deepest = 0;
        peer.Link.Filter = packet =>
        {
            bool result = record(packet);
            Assert.True(TcpSegment.TryParse(packet.Bytes, out TcpSegment header));
            if (header.PayloadLength > 0)
            {
                rounds++;
                deepest = Math.Max(deepest, new System.Diagnostics.StackTrace().FrameCount);
                acknowledged += (uint)header.PayloadLength;
                peer.Send(Ack, peer.OurNext, acknowledged);
            }

            return result;
        };
        peer.Write(2 * Mss);
        int depth = deepest;
        peer.Write(1000 * Mss);
        Assert.Equal(1002, rounds);
        Assert.InRange(deepest, depth, depth + 20);
    }

    private static TcpPeer Open(bool timestamps = false)
    {
        var peer = new TcpPeer();
        peer.Open(
            syn: s => s with
            {
                SackPermitted = true,
                MaximumSegmentSize = (ushort)(timestamps ? Mss + TcpOption.TimestampsLength : Mss),
                HasTimestamps = timestamps,
                TimestampValue = 999,
            },
            roundTrip: TimeSpan.FromMilliseconds(20));
        return peer;
    }

    private static OutgoingSegment WithSack(TcpPeer peer, uint acknowledgement, params ReadOnlySpan<SackBlock> blocks)
    {
        OutgoingSegment segment = peer.Segment(Ack, peer.OurNext, acknowledgement);
        segment.SackCount = blocks.Length;
        for (int i = 0; i < blocks.Length; i++)
        {
            segment.Sack[i] = blocks[i];
        }

        return segment;
    }

    private static uint Reorder(TcpPeer peer, int segments) => Reorder(peer, segments, timestamps: false, out _);

    // The stack sends, the first segment is late, and is sent again.
    private static uint Reorder(TcpPeer peer, int segments, bool timestamps, out uint timestamp)
    {
        peer.Write(segments * Mss);
        timestamp = peer.Expect(Ack).TimestampValue;
        peer.Forget();
        peer.Clock.Advance(TimeSpan.FromMilliseconds(20));
        uint next = peer.TheirNext + (uint)(segments * Mss);
        OutgoingSegment gap = WithSack(peer, peer.TheirNext, new SackBlock(peer.TheirNext + Mss, next));
        gap.HasTimestamps = timestamps;
        gap.TimestampValue = 1000;
        gap.TimestampEcho = timestamp;
        peer.Send(gap);
        Assert.Equal(peer.TheirNext, peer.Expect(Ack).Sequence);
        Assert.Equal(1, peer.Statistics[TcpCounter.FastRecoveries]);
        peer.ExpectNothing();
        peer.Clock.Advance(TimeSpan.FromMilliseconds(5));
        return next;
    }

    // How many segments leave at once: the congestion window.
    private static int Burst(TcpPeer peer, uint next)
    {
        peer.Forget();
        long before = peer.Statistics[TcpCounter.SegmentsSent];
        peer.Write(60 * Mss);
        int count = (int)(peer.Statistics[TcpCounter.SegmentsSent] - before);
        Assert.Equal(next, peer.Expect(Ack).Sequence);
        return count;
    }
}
