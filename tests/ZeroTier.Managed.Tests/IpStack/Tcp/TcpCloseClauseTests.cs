using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using static ZeroTier.Managed.IpStack.Tcp.TcpFlags;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Scripted segments, a clause of an RFC each: how connections end.</summary>
public sealed class TcpCloseClauseTests
{
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
    public void Rule6_10_disposed_while_the_peer_still_sends_acknowledges_and_discards_without_rst_for_bounded_time()
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
    public void Abort_sends_rst_with_the_right_numbers_and_ends_both_directions()
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
    public async Task Abort_from_the_read_that_hears_of_an_abort_takes_no_reset_away()
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
    public void Drain_hears_of_an_abort()
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
    public void Output_completed_with_an_exception_sends_rst()
    {
        using var peer = new TcpPeer();
        peer.Open();
        peer.Socket.Output.Complete(new InvalidOperationException("handler failed"));
        peer.Expect(Rst | Ack);
        Assert.Equal(TcpError.ConnectionAborted, TcpPeer.ResultOf(peer.Socket.SendEnded)!.Error);
        peer.Host.AssertClean();
    }
}
