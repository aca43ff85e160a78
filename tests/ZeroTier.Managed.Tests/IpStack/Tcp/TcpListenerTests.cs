using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Who gets a place in the queues of the listeners, who gives way, and what becomes of those that nobody takes.</summary>
public sealed class TcpListenerTests
{
    [Fact]
    public void SynFlood_OfOnePort_ClosesNoOther()
    {
        using var peer = new TcpPeer(new TcpLayerOptions { MaxHalfOpen = 512 });
        using TcpListener flooded = peer.Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        using TcpListener other = peer.Host.Layer.Listen(null, 81, new TcpListenOptions { Socket = TcpPair.Options });
        for (int i = 0; i < 512; i++)
        {
            peer.Send(peer.Segment(TcpFlags.Syn, (uint)i, port: (ushort)(1 + i)));
        }

        peer.Forget();
        OutgoingSegment syn = peer.Segment(TcpFlags.Syn, 1000, port: 1000);
        syn.DestinationPort = 81;
        peer.Mac = new MacAddress(0x0200_0000_0064);
        peer.Send(syn);
        peer.Expect(TcpFlags.Syn | TcpFlags.Ack);
        Assert.Equal(512, peer.Host.Layer.HalfOpenCount);
        Assert.Equal(1, other.HalfOpenCount);
        Assert.Equal(1, peer.Statistics[TcpCounter.HalfOpenEvicted]);
    }

    [Fact]
    public void SynFlood_OfOneMember_TakesNothingFromAnotherPort()
    {
        using var peer = new TcpPeer(new TcpLayerOptions { MaxHalfOpen = 512 });
        peer.Link.Filter = _ => false;
        using TcpListener honest = peer.Host.Layer.Listen(null, 81, new TcpListenOptions { Socket = TcpPair.Options });
        using TcpListener flooded = peer.Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        for (int i = 0; i < 300; i++)
        {
            OutgoingSegment syn = peer.Segment(TcpFlags.Syn, (uint)i, port: (ushort)(1 + i));
            syn.DestinationPort = 81;
            peer.Send(syn);
        }

        peer.Mac = new MacAddress(0x0200_0000_0064);
        for (int i = 0; i < 1000; i++)
        {
            peer.Send(peer.Segment(TcpFlags.Syn, (uint)i, port: (ushort)(1 + i)));
        }

        Assert.Equal(300, honest.HalfOpenCount);
        Assert.Equal(212, flooded.HalfOpenCount);
        Assert.Equal(512, peer.Host.Layer.HalfOpenCount);
    }
}
