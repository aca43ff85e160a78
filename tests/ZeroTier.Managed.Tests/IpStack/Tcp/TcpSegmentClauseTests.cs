using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using static ZeroTier.Managed.IpStack.Tcp.TcpFlags;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Scripted segments, a clause of an RFC each: what is taken, what is refused, and how.</summary>
public sealed class TcpSegmentClauseTests
{
    [Fact]
    public void Rfc9293_3_10_7_1_Closed_SegmentWithoutAck_IsAnsweredWithRstAck()
    {
        using var peer = new TcpPeer();
        peer.Send(Syn, 500);
        TcpSegment reset = peer.Expect(Rst | Ack);
        Assert.Equal(0u, reset.Sequence);
        Assert.Equal(501u, reset.Acknowledgement);
    }

    [Fact]
    public void Rfc9293_3_10_7_1_Closed_SegmentWithAck_IsAnsweredWithRstAtThatNumber()
    {
        using var peer = new TcpPeer();
        peer.Send(Ack, 500, 777);
        Assert.Equal(777u, peer.Expect(Rst).Sequence);
        peer.Send(Rst, 500);
        peer.ExpectNothing();
    }

    [Fact]
    public void Rfc9293_3_10_7_4_SynReceived_WrongAck_IsAnsweredWithRst()
    {
        using var peer = new TcpPeer();
        using TcpListener listener = peer.Host.Layer.Listen(null, 80);
        peer.Send(Syn, 1000);
        TcpSegment answer = peer.Expect(Syn | Ack);
        peer.Send(Ack, 1001, answer.Sequence + 2);
        Assert.Equal(answer.Sequence + 2, peer.Expect(Rst).Sequence);
        Assert.Equal(1, peer.Host.Layer.HalfOpenCount);
    }

    [Fact]
    public void Rfc9293_3_8_1_SynReceived_LostSynAck_IsRepeatedOnSynAndByTimer()
    {
        using var peer = new TcpPeer();
        using TcpListener listener = peer.Host.Layer.Listen(null, 80);
        peer.Send(Syn, 1000);
        uint sequence = peer.Expect(Syn | Ack).Sequence;
        peer.Send(Syn, 1000);
        Assert.Equal(sequence, peer.Expect(Syn | Ack).Sequence);
        peer.Clock.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal(sequence, peer.Expect(Syn | Ack).Sequence);
        peer.Clock.Advance(TimeSpan.FromSeconds(60));
        peer.Host.AssertClean();
    }

    [Fact]
    public void Rfc5961_3_2_Established_RstInsideTheWindow_IsChallengedAndExactRstResets()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Send(Rst, peer.OurNext + 10);
        Assert.Equal(peer.OurNext, peer.Expect(Ack).Acknowledgement);
        peer.Send(Rst, peer.OurNext - 10);
        peer.ExpectNothing();
        Assert.Equal(TcpState.Established, peer.Socket.State);
        peer.Send(Rst, peer.OurNext);
        peer.ExpectNothing();
        Assert.Equal(TcpError.ConnectionReset, TcpPeer.ResultOf(peer.Socket.ReceiveEnded)!.Error);
        peer.Host.AssertClean();
    }

    [Fact]
    public void Rfc5961_4_2_Established_Syn_IsChallenged()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Send(Syn, peer.OurNext + 10);
        TcpSegment answer = peer.Expect(Ack);
        Assert.Equal(peer.TheirNext, answer.Sequence);
        Assert.Equal(peer.OurNext, answer.Acknowledgement);
        Assert.Equal(TcpState.Established, peer.Socket.State);
    }

    [Fact]
    public void Rfc5961_5_2_Established_AckOfUnsentOrAncientData_IsDroppedWithItsData()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Send(Ack, peer.OurNext, peer.TheirNext + 1, payload: "bad");
        peer.Expect(Ack);
        peer.Send(Ack, peer.OurNext, peer.TheirNext - 70000, payload: "bad");
        peer.Expect(Ack);
        Assert.Equal("", peer.Read());
    }

    [Fact]
    public void Rfc5961_7_Challenges_AreBounded()
    {
        using var peer = new TcpPeer();
        peer.Open();
        for (int i = 0; i < 1000; i++)
        {
            peer.Send(Rst, peer.OurNext + 1);
        }

        Assert.Equal(10, peer.Statistics[TcpCounter.ChallengeAcks]);
    }

    [Fact]
    public void Rfc9293_3_4_Established_DataOutsideTheWindow_IsAnsweredWithAck()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Send(Ack, peer.OurNext + (2 << 20), peer.TheirNext, payload: "far");
        Assert.Equal(peer.OurNext, peer.Expect(Ack).Acknowledgement);
        Assert.Equal(1, peer.Statistics[TcpCounter.OutOfWindowSegments]);
    }

    [Fact]
    public void Rfc9293_3_10_7_4_Established_OverlappingData_IsTakenOnce()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "abcd");
        peer.Send(Ack, peer.OurNext + 2, peer.TheirNext, payload: "XXef");
        peer.Send(Ack, peer.OurNext + 8, peer.TheirNext, payload: "ij");
        peer.Send(Ack, peer.OurNext + 5, peer.TheirNext, payload: "YghZZk");
        Assert.Equal("abcdefghijk", peer.Read());
    }

    [Fact]
    public void Rfc7323_2_2_WindowScale_OnlyWhenThePeerOffersIt()
    {
        using var plain = new TcpPeer();
        plain.Open();
        plain.Send(Ack, plain.OurNext + 1, plain.TheirNext, payload: "x");
        Assert.Equal(65535, plain.Expect(Ack).Window);
        using var scaled = new TcpPeer();
        scaled.Open(syn: s => s with { WindowScale = 7 });
        scaled.Send(Ack, scaled.OurNext + 1, scaled.TheirNext, payload: "x");
        Assert.Equal((1 << 20) >> 10, scaled.Expect(Ack).Window);
    }

    [Fact]
    public void Rfc7323_5_3_OldTimestamp_IsDroppedAndAnswered_MissingOneIsDropped()
    {
        using var peer = new TcpPeer();
        peer.Open(syn: s => s with { HasTimestamps = true, TimestampValue = 999 });
        OutgoingSegment segment = peer.Segment(Ack, peer.OurNext, peer.TheirNext, payload: "old");
        segment.HasTimestamps = true;
        segment.TimestampValue = 900;
        peer.Send(segment);
        Assert.Equal(1000u, peer.Expect(Ack).TimestampEcho);
        Assert.Equal(1, peer.Statistics[TcpCounter.PawsDropped]);
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "none");
        Assert.Equal("", peer.Read());
        segment.TimestampValue = 1001;
        peer.Send(segment);
        Assert.Equal("old", peer.Read());
    }

    // A path that reorders delivers data from before a retransmission after it.
    [Fact]
    public void Rfc7323_5_3_TimestampBelowALaterOne_IsNoOldDuplicateBeforeTenSecondsHavePassed()
    {
        using var peer = new TcpPeer();
        peer.Open(syn: s => s with { HasTimestamps = true, TimestampValue = 999, SackPermitted = true });
        Send(0, "ab", 1100);
        Send(4, "ef", 1050);
        Send(2, "cd", 1060);
        Assert.Equal("abcdef", peer.Read());

        // The latest is echoed.
        peer.Forget();
        Send(8, "ij", 1101);
        Assert.Equal(1100u, peer.Expect(Ack).TimestampEcho);

        // Twenty seconds later nothing of it can be on its way.
        peer.Clock.Advance(TimeSpan.FromSeconds(20));
        Send(6, "GH", 1099);
        Assert.Equal(1, peer.Statistics[TcpCounter.PawsDropped]);
        Assert.Equal("", peer.Read());
        Send(6, "gh", 21_100);
        Assert.Equal("ghij", peer.Read());

        void Send(uint offset, string text, uint timestamp)
        {
            OutgoingSegment segment = peer.Segment(Ack, peer.OurNext + offset, peer.TheirNext, payload: text);
            segment.HasTimestamps = true;
            segment.TimestampValue = timestamp;
            peer.Send(segment);
        }
    }

    [Fact]
    public void Segment_from_another_link_address_is_dropped()
    {
        using var peer = new TcpPeer();
        peer.Open();
        MacAddress own = peer.Mac;
        peer.Mac = new MacAddress(0x0200_0000_0077);
        peer.Send(Rst, peer.OurNext);
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "forged");
        peer.Mac = own;
        Assert.Equal(2, peer.Statistics[TcpCounter.WrongSender]);
        Assert.Equal("", peer.Read());
        Assert.Equal(TcpState.Established, peer.Socket.State);
    }
}
