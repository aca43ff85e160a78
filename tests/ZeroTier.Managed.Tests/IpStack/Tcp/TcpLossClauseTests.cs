using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using static ZeroTier.Managed.IpStack.Tcp.TcpFlags;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Scripted segments, a clause of an RFC each: acknowledgements, what is sent again, and when.</summary>
public sealed class TcpLossClauseTests
{
    [Fact]
    public void Rfc1122_4_2_3_2_SmallSegment_IsAcknowledgedLate_SecondFullSegmentAtOnce()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "a");
        peer.ExpectNothing();
        peer.Clock.Advance(TimeSpan.FromMilliseconds(41));
        Assert.Equal(peer.OurNext + 1, peer.Expect(Ack).Acknowledgement);
        string full = new('f', 536);
        peer.Send(Ack, peer.OurNext + 1, peer.TheirNext, payload: full);
        peer.ExpectNothing();
        peer.Send(Ack, peer.OurNext + 537, peer.TheirNext, payload: full);
        Assert.Equal(peer.OurNext + 1073, peer.Expect(Ack).Acknowledgement);
    }

    [Fact]
    public void Rfc5681_4_2_SecondSegment_IsAcknowledgedAtOnce_AlsoWhenSegmentsHaveBecomeShorter()
    {
        using var peer = new TcpPeer();
        peer.Open();
        uint next = peer.OurNext;
        foreach (int length in (int[])[1300, 560])
        {
            peer.Send(Ack, next, peer.TheirNext, payload: new string('f', length));
            peer.ExpectNothing();
            peer.Send(Ack, next + (uint)length, peer.TheirNext, payload: new string('f', length));
            next += 2 * (uint)length;
            Assert.Equal(next, peer.Expect(Ack).Acknowledgement);
        }
    }

    [Fact]
    public void Rfc2018_4_RowMovesWithTheWindow_WhileALaterRangeIsHeld()
    {
        using var peer = new TcpPeer();
        peer.Open(
            TcpPair.Options with { ReceiveWindow = 64 * 1024, MaxReceiveWindow = 64 * 1024 },
            syn: s => s with { SackPermitted = true, WindowScale = 0 });
        string kilobyte = new('x', 1000);
        peer.Send(TcpFlags.Ack, peer.OurNext + 60_000, peer.TheirNext, payload: new string('y', 100));
        for (uint i = 0; i < 50; i++)
        {
            peer.Send(TcpFlags.Ack, peer.OurNext + i * 1000, peer.TheirNext, payload: kilobyte);
        }

        // Beyond the window as it was when the first range came, within it as it is now.
        peer.Forget();
        peer.Send(TcpFlags.Ack, peer.OurNext + 100_000, peer.TheirNext, payload: kilobyte);
        TcpSegment answer = peer.Expect(TcpFlags.Ack);
        Assert.Equal(2, answer.SackCount);
        Assert.Equal(new SackBlock(peer.OurNext + 100_000, peer.OurNext + 101_000), answer.Sack[0]);
        Assert.Equal(new SackBlock(peer.OurNext + 60_000, peer.OurNext + 60_100), answer.Sack[1]);
        Assert.Equal(0, peer.Statistics[TcpCounter.OutOfWindowSegments]);

        for (uint i = 50; i < 100; i++)
        {
            peer.Send(TcpFlags.Ack, peer.OurNext + i * 1000, peer.TheirNext, payload: kilobyte);
        }

        Assert.Equal(101_000, peer.Read().Length);
        Assert.Equal(0, peer.Host.Layer.Chunks.Outstanding);
    }

    [Fact]
    public void Rfc2018_4_Gaps_AreReportedLatestFirst()
    {
        using var peer = new TcpPeer();
        peer.Open(syn: s => s with { SackPermitted = true });
        peer.Send(Ack, peer.OurNext + 10, peer.TheirNext, payload: "aa");
        peer.Expect(Ack);
        peer.Send(Ack, peer.OurNext + 30, peer.TheirNext, payload: "bb");
        peer.Expect(Ack);
        peer.Send(Ack, peer.OurNext + 20, peer.TheirNext, payload: "cc");
        TcpSegment answer = peer.Expect(Ack);
        Assert.Equal(3, answer.SackCount);
        Assert.Equal(new SackBlock(peer.OurNext + 20, peer.OurNext + 22), answer.Sack[0]);
        Assert.Equal(new SackBlock(peer.OurNext + 30, peer.OurNext + 32), answer.Sack[1]);
        Assert.Equal(new SackBlock(peer.OurNext + 10, peer.OurNext + 12), answer.Sack[2]);
        Assert.Equal(peer.OurNext, answer.Acknowledgement);
    }

    [Fact]
    public void Rfc5681_3_2_ThirdDuplicate_RetransmitsWithoutTheTimer()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Write(536 * 5);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(peer.TheirNext + (uint)(536 * i), peer.Expect(Ack).Sequence);
        }

        peer.Send(Ack, peer.OurNext, peer.TheirNext);
        peer.Send(Ack, peer.OurNext, peer.TheirNext);
        peer.ExpectNothing();
        peer.Send(Ack, peer.OurNext, peer.TheirNext);
        Assert.Equal(peer.TheirNext, peer.Expect(Ack).Sequence);
        peer.ExpectNothing();

        // RFC 6582, 3.2: a partial acknowledgement uncovers the next loss.
        peer.Send(Ack, peer.OurNext, peer.TheirNext + 536);
        Assert.Equal(peer.TheirNext + 536, peer.Expect(Ack).Sequence);
    }

    [Fact]
    public void Rfc6675_5_SackedBytesBeyondAGap_RetransmitOnlyTheGap()
    {
        using var peer = new TcpPeer();
        peer.Open(syn: s => s with { SackPermitted = true });
        peer.Write(536 * 6);
        peer.Forget();
        OutgoingSegment report = peer.Segment(Ack, peer.OurNext, peer.TheirNext);
        report.SackCount = 1;
        report.Sack[0] = new SackBlock(peer.TheirNext + 536, peer.TheirNext + 536 * 5);
        peer.Send(report);
        Assert.Equal(peer.TheirNext, peer.Expect(Ack).Sequence);
        peer.ExpectNothing();
        Assert.Equal(1, peer.Statistics[TcpCounter.FastRecoveries]);
    }

    [Fact]
    public void Rfc6298_5_5_Timeout_BacksOffAndGivesUpAtTheUserTimeout()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Write(10);
        peer.Expect(Ack);
        var times = new List<double>();
        Assert.True(peer.Clock.RunUntil(() => peer.Statistics[TcpCounter.Retransmissions] == 1, TimeSpan.FromSeconds(10)));
        times.Add(peer.Clock.Elapsed.TotalSeconds);
        Assert.True(peer.Clock.RunUntil(() => peer.Statistics[TcpCounter.Retransmissions] == 2, TimeSpan.FromSeconds(10)));
        times.Add(peer.Clock.Elapsed.TotalSeconds);
        Assert.True(peer.Clock.RunUntil(() => peer.Statistics[TcpCounter.Retransmissions] == 3, TimeSpan.FromSeconds(10)));
        times.Add(peer.Clock.Elapsed.TotalSeconds);
        Assert.Equal(2, (times[2] - times[1]) / (times[1] - times[0]), 0.05);
        peer.Clock.Advance(TimeSpan.FromSeconds(95));
        Assert.False(peer.Socket.SendEnded.IsCompleted);
        peer.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TcpError.TimedOut, TcpPeer.ResultOf(peer.Socket.SendEnded)!.Error);
        Assert.Equal(TcpError.TimedOut, TcpPeer.ResultOf(peer.Socket.ReceiveEnded)!.Error);
        peer.Host.AssertClean();
    }

    [Fact]
    public async Task Rfc6298_3_SynAnsweredTwice_MeasuresNoRoundTrip()
    {
        using var peer = new TcpPeer();
        using TcpListener listener = peer.Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        ValueTask<TcpSocket?> accept = listener.AcceptAsync(CancellationToken.None);
        peer.Send(Syn, peer.OurNext - 1);
        uint theirs = peer.Expect(Syn | Ack).Sequence + 1;
        peer.Clock.Advance(TimeSpan.FromMilliseconds(900));
        peer.Send(Syn, peer.OurNext - 1);
        peer.Expect(Syn | Ack);
        peer.Clock.Advance(TimeSpan.FromMilliseconds(50));
        peer.Send(Ack, peer.OurNext, theirs);
        Assert.True(accept.IsCompletedSuccessfully);
        Assert.Equal(TimeSpan.Zero, (await accept)!.RoundTripTime);
    }
}
