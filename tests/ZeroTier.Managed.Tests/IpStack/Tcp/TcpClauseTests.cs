using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Scripted segments, a clause of an RFC each.</summary>
public sealed class TcpClauseTests
{
    private const TcpFlags Ack = TcpFlags.Ack;
    private const TcpFlags Syn = TcpFlags.Syn;
    private const TcpFlags Fin = TcpFlags.Fin;
    private const TcpFlags Rst = TcpFlags.Rst;

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
    public void Rfc2018_4_RowMovesWithTheWindow_WhileALaterRangeIsHeld()
    {
        using var peer = new TcpPeer();
        peer.Open(TcpPair.Options with { ReceiveWindow = 64 * 1024 }, syn: s => s with { SackPermitted = true, WindowScale = 0 });
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
    public void Rfc9293_3_8_6_1_ZeroWindow_IsProbedForAsLongAsThePeerAnswers()
    {
        using var peer = new TcpPeer();
        peer.Open(window: 0);
        peer.Write(100);
        peer.ExpectNothing();
        for (int i = 0; i < 300; i++)
        {
            peer.Clock.Advance(TimeSpan.FromSeconds(1));
            if (peer.Statistics[TcpCounter.ZeroWindowProbes] > 0)
            {
                peer.Forget();
                peer.Send(Ack, peer.OurNext, peer.TheirNext, window: 0);
            }
        }

        Assert.InRange(peer.Statistics[TcpCounter.ZeroWindowProbes], 5, 20);
        Assert.Equal(TcpState.Established, peer.Socket.State);
        peer.Forget();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, window: 1000);
        Assert.Equal(100, peer.Expect(Ack).PayloadLength);
    }

    [Fact]
    public void Rfc9293_3_8_6_WindowTakenBack_IsProbedForAsLongAsThePeerAnswers()
    {
        using var peer = new TcpPeer();
        peer.Open(window: 2000);
        peer.Write(1000);
        peer.Forget();
        for (int i = 0; i < 300; i++)
        {
            peer.Send(Ack, peer.OurNext, peer.TheirNext, window: 0);
            peer.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(TcpState.Established, peer.Socket.State);
        peer.Send(Ack, peer.OurNext, peer.TheirNext + 1000, window: 2000);
        peer.Forget();
        peer.Write(100);
        Assert.Equal(100, peer.Expect(Ack).PayloadLength);

        // One that says nothing is gone.
        peer.Clock.Advance(TimeSpan.FromSeconds(300));
        Assert.Equal(TcpError.TimedOut, TcpPeer.ResultOf(peer.Socket.SendEnded)!.Error);
    }

    [Fact]
    public void Rfc9293_3_8_6_1_ClosedWindow_AtTheEndOfTheApplication_HasItsTimeFromThenOn()
    {
        using var peer = new TcpPeer();
        peer.Open(window: 0);
        peer.Write(100);
        for (int i = 0; i < 150; i++)
        {
            peer.Clock.Advance(TimeSpan.FromSeconds(1));
            peer.Send(Ack, peer.OurNext, peer.TheirNext, window: 0);
        }

        peer.Socket.Dispose();
        for (int i = 0; i < 65; i++)
        {
            peer.Clock.Advance(TimeSpan.FromSeconds(1));
            peer.Send(Ack, peer.OurNext, peer.TheirNext, window: 0);
        }

        peer.Forget();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, window: 1000);
        Assert.Equal(100, peer.Expect(Ack | Fin).PayloadLength);
    }

    [Fact]
    public void Rfc9293_3_8_6_2_1_SmallWindow_SendsNoSillySegmentUntilTheOverride()
    {
        using var peer = new TcpPeer();
        peer.Open(window: 2000);
        peer.Write(536 * 6);
        Assert.Equal(536, peer.Expect(Ack).PayloadLength);
        Assert.Equal(536, peer.Expect(Ack).PayloadLength);
        Assert.Equal(536, peer.Expect(Ack).PayloadLength);
        peer.ExpectNothing();
        peer.Send(Ack, peer.OurNext, peer.TheirNext + 3 * 536, window: 100);
        peer.ExpectNothing();
        peer.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(100, peer.Expect(Ack).PayloadLength);
    }

    [Fact]
    public void Rfc9293_3_6_OtherEndCloses_InputEndsAndOutputGoesOn()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Send(Ack | Fin, peer.OurNext, peer.TheirNext, payload: "last");
        Assert.Equal(peer.OurNext + 5, peer.Expect(Ack).Acknowledgement);
        Assert.Equal("last", peer.Read());
        Assert.Equal(TcpState.CloseWait, peer.Socket.State);
        Assert.Null(TcpPeer.ResultOf(peer.Socket.ReceiveEnded));
        peer.Write(3);
        Assert.Equal(3, peer.Expect(Ack).PayloadLength);
        peer.Socket.Output.Complete();
        TcpSegment fin = peer.Expect(Ack | Fin);
        Assert.Equal(TcpState.LastAck, peer.Socket.State);
        peer.Send(Ack, peer.OurNext + 5, fin.Sequence + 1);
        Assert.Equal(TcpState.Closed, peer.Socket.State);
        peer.Socket.Dispose();
        Assert.Equal(0, peer.Host.Layer.TimeWaitCount);
        peer.Host.AssertClean();
    }

    [Fact]
    public void Rfc9293_3_6_WeClose_TimeWaitAnswersRepeatedFinAndIgnoresRst()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Socket.Output.Complete();
        TcpSegment fin = peer.Expect(Ack | Fin);
        Assert.Equal(TcpState.FinWait1, peer.Socket.State);
        peer.Send(Ack, peer.OurNext, fin.Sequence + 1);
        Assert.Equal(TcpState.FinWait2, peer.Socket.State);
        peer.Send(Ack, peer.OurNext, fin.Sequence + 1, payload: "still");
        Assert.Equal("still", peer.Read());
        peer.Send(Ack | Fin, peer.OurNext + 5, fin.Sequence + 1);
        Assert.Equal(peer.OurNext + 6, peer.Expect(Ack).Acknowledgement);
        Assert.Equal(TcpState.TimeWait, peer.Socket.State);
        Assert.Equal(1, peer.Host.Layer.TimeWaitCount);
        peer.Host.AssertClean();

        // RFC 1337: the reset does not end it.
        peer.Send(Rst, peer.OurNext + 6);
        peer.Send(Ack | Fin, peer.OurNext + 5, fin.Sequence + 1);
        Assert.Equal(peer.OurNext + 6, peer.Expect(Ack).Acknowledgement);

        // RFC 9293, 3.6.1: a newer SYN takes the addresses over, an older one does not.
        using TcpListener listener = peer.Host.Layer.Listen(null, 80);
        peer.Send(Syn, peer.OurNext - 500);
        peer.Expect(Ack);
        peer.Send(Syn, peer.OurNext + 500);
        Assert.Equal(peer.OurNext + 501, peer.Expect(Syn | Ack).Acknowledgement);
        Assert.Equal(0, peer.Host.Layer.TimeWaitCount);
    }

    [Fact]
    public void Rfc9293_3_10_7_3_RestartedClientWithAnOlderSyn_ResetsTimeWaitAndConnects()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Socket.Output.Complete();
        TcpSegment fin = peer.Expect(Ack | Fin);
        peer.Send(Ack | Fin, peer.OurNext, fin.Sequence + 1);
        uint next = peer.Expect(Ack).Acknowledgement;
        using TcpListener listener = peer.Host.Layer.Listen(null, 80);

        // Not the sequence number that our answer names: as good as none.
        peer.Send(Syn, next - 500);
        peer.Expect(Ack);
        peer.Send(Rst, next + 1);
        peer.Send(Syn, next - 500);
        Assert.Equal(next, peer.Expect(Ack).Acknowledgement);

        peer.Send(Rst, next);
        Assert.Equal(0, peer.Host.Layer.TimeWaitCount);
        peer.Send(Syn, next - 500);
        Assert.Equal(next - 499, peer.Expect(Syn | Ack).Acknowledgement);
    }

    [Fact]
    public void Rfc9293_3_5_SimultaneousClose_EndsInTimeWait()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Socket.Output.Complete();
        TcpSegment fin = peer.Expect(Ack | Fin);
        peer.Send(Ack | Fin, peer.OurNext, peer.TheirNext);
        Assert.Equal(TcpState.Closing, peer.Socket.State);
        Assert.Equal(peer.OurNext + 1, peer.Expect(Ack).Acknowledgement);
        peer.Send(Ack, peer.OurNext + 1, fin.Sequence + 1);
        Assert.Equal(TcpState.TimeWait, peer.Socket.State);
    }

    [Fact]
    public void Rule6_10_DisposedWhileThePeerStillSends_AcknowledgesAndDiscardsWithoutRst_ForBoundedTime()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Send(Ack, peer.OurNext, peer.TheirNext, payload: "unread");
        peer.Socket.Dispose();
        TcpSegment fin = peer.Expect(Ack | Fin);
        peer.Send(Ack, peer.OurNext + 6, fin.Sequence + 1);
        peer.Send(Ack, peer.OurNext + 6, fin.Sequence + 1, payload: "more");
        peer.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(peer.OurNext + 10, peer.Expect(Ack).Acknowledgement);
        peer.ExpectNothing();
        peer.Clock.Advance(TimeSpan.FromSeconds(61));
        peer.ExpectNothing();
        peer.Host.AssertClean();
    }

    [Fact]
    public void Abort_SendsRstWithTheRightNumbers_AndEndsBothDirections()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Socket.Abort(new TcpException(TcpError.ConnectionAborted, "first"));
        peer.Socket.Abort(new TcpException(TcpError.ConnectionAborted, "second"));
        Assert.Equal(peer.TheirNext, peer.Expect(Rst | Ack).Sequence);
        peer.ExpectNothing();
        Assert.Equal("first", TcpPeer.ResultOf(peer.Socket.ReceiveEnded)!.Message);
        Assert.Equal("first", TcpPeer.ResultOf(peer.Socket.SendEnded)!.Message);
        peer.Host.AssertClean();
    }

    [Fact]
    public async Task Abort_FromTheReadThatHearsOfAnAbort_TakesNoResetAway()
    {
        using var peer = new TcpPeer();
        peer.Open();
        Task reading = ReadAsync();
        peer.Socket.Abort();
        peer.Expect(Rst | Ack);
        peer.ExpectNothing();
        await reading;

        async Task ReadAsync()
        {
            try
            {
                await peer.Socket.Input.ReadAsync(CancellationToken.None);
            }
            catch (TcpException)
            {
                peer.Socket.Abort();
            }
        }
    }

    [Fact]
    public void Drain_HearsOfAnAbort()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Socket.Output.Complete();
        Task drain = peer.Host.Layer.DrainAsync(CancellationToken.None);
        Assert.False(drain.IsCompleted);
        peer.Socket.Abort();
        Assert.True(drain.IsCompletedSuccessfully);
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

    [Fact]
    public void Output_CompletedWithAnException_SendsRst()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Socket.Output.Complete(new InvalidOperationException("handler failed"));
        peer.Expect(Rst | Ack);
        Assert.Equal(TcpError.ConnectionAborted, TcpPeer.ResultOf(peer.Socket.SendEnded)!.Error);
        peer.Host.AssertClean();
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
        Assert.Equal((1 << 20) >> 5, scaled.Expect(Ack).Window);
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

    [Fact]
    public void Rfc1122_4_2_3_6_KeepAlive_ProbesAndTimesOut()
    {
        using var peer = new TcpPeer();
        peer.Open(TcpPair.Options with { KeepAliveTime = TimeSpan.FromSeconds(100) });
        peer.Clock.Advance(TimeSpan.FromSeconds(101));
        Assert.Equal(peer.TheirNext - 1, peer.Expect(Ack).Sequence);
        peer.Send(Ack, peer.OurNext, peer.TheirNext);
        peer.Clock.Advance(TimeSpan.FromSeconds(90));
        peer.ExpectNothing();
        peer.Clock.Advance(TimeSpan.FromSeconds(200));
        Assert.Equal(TcpError.TimedOut, TcpPeer.ResultOf(peer.Socket.ReceiveEnded)!.Error);
        peer.Host.AssertClean();
    }

    [Fact]
    public void Segment_FromAnotherLinkAddress_IsDropped()
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

    [Fact]
    public void Window_FollowsTheReader_ClosesAndReopensWithAnUpdate()
    {
        using var peer = new TcpPeer();
        peer.Open(TcpPair.Options with { ReceiveWindow = 8192, Input = TcpPair.InlinePipe(8192) });
        uint sequence = peer.OurNext;
        int window = 8192;
        string full = new('f', 1024);
        while (window >= 1024)
        {
            peer.Send(Ack, sequence, peer.TheirNext, payload: full);
            sequence += 1024;
            peer.Clock.Advance(TimeSpan.FromMilliseconds(50));
            TcpSegment answer = peer.Expect(Ack);
            Assert.Equal(sequence, answer.Acknowledgement);
            window = answer.Window;
        }

        // The pipe's limit and the window: no more was ever permitted.
        Assert.InRange(sequence - peer.OurNext, 8192u, 16384u);
        Assert.Equal(0, window);
        peer.Send(Ack, sequence, peer.TheirNext, payload: "no room");
        Assert.Equal(sequence, peer.Expect(Ack).Acknowledgement);
        peer.Forget();
        int read = peer.Read().Length;
        read += peer.Read().Length;
        Assert.Equal(sequence - peer.OurNext, (uint)read);
        Assert.Equal(8192, peer.Expect(Ack).Window);
    }
}
