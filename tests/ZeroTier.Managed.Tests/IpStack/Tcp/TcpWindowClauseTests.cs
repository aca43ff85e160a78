using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using static ZeroTier.Managed.IpStack.Tcp.TcpFlags;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Scripted segments, a clause of an RFC each: windows that close, and peers that fall silent.</summary>
public sealed class TcpWindowClauseTests
{
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
    public void KeepAlive_AtBothEnds_CostsOneProbeAndItsAnswer()
    {
        using var pair = new TcpPair();
        TcpSocketOptions options = TcpPair.Options with { KeepAliveTime = TimeSpan.FromSeconds(60) };
        pair.Connect(options, options);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        long before = pair.Link.PacketsSent;
        pair.Clock.Advance(TimeSpan.FromMinutes(60));
        Assert.InRange(pair.Link.PacketsSent - before, 2 * 50, 2 * 60);
    }

    [Fact]
    public void Window_follows_the_reader_closes_and_reopens_with_an_update()
    {
        using var peer = new TcpPeer();
        peer.Open(TcpPair.Options with { ReceiveWindow = 8192, MaxReceiveWindow = 8192, Input = TcpPair.InlinePipe(8192) });
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
