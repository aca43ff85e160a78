using System.IO.Pipelines;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Who gets a place in the queues of the listeners, who gives way, and what becomes of those that nobody takes.</summary>
public sealed class TcpListenerTests
{
    [Fact]
    public void Syn_flood_of_one_port_closes_no_other()
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
        peer.Send(syn);
        OutgoingSegment last = peer.Segment(TcpFlags.Ack, 1001, peer.Expect(TcpFlags.Syn | TcpFlags.Ack).Sequence + 1, port: 1000);
        last.DestinationPort = 81;
        peer.Send(last);
        Assert.Equal(512, flooded.HalfOpenCount);
        Assert.Equal(0, other.HalfOpenCount);
        Assert.Equal(1, peer.Host.Layer.ConnectionCount);
        Assert.True(other.AcceptAsync(CancellationToken.None).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Syn_behind_the_end_of_a_handshake_in_one_batch_does_not_push_that_out()
    {
        using var peer = new TcpPeer();
        using TcpListener listener = peer.Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options, Backlog = 2 });
        peer.Send(peer.Segment(TcpFlags.Syn, peer.OurNext - 1, port: 1));
        uint theirNext = peer.Expect(TcpFlags.Syn | TcpFlags.Ack).Sequence + 1;
        peer.Send(peer.Segment(TcpFlags.Syn, peer.OurNext - 1, port: 2));
        peer.Expect(TcpFlags.Syn | TcpFlags.Ack);

        MacAddress first = peer.Mac;
        peer.Post(peer.Segment(TcpFlags.Ack, peer.OurNext, theirNext, port: 1));
        peer.Mac = new MacAddress(0x0200_0000_0064);
        peer.Post(peer.Segment(TcpFlags.Syn, peer.OurNext - 1, port: 3));
        peer.Host.Layer.EndOfBatch();
        Assert.Equal(3, peer.Expect(TcpFlags.Syn | TcpFlags.Ack).DestinationPort);
        Assert.Equal(1, peer.Host.Layer.HalfOpenCount);

        Task<TcpSocket?> accept = listener.AcceptAsync(CancellationToken.None).AsTask();
        Assert.True(accept.IsCompletedSuccessfully);
        TcpSocket socket = (await accept)!;
        Assert.Equal(1, socket.RemotePort);
        peer.Mac = first;
        peer.Send(peer.Segment(TcpFlags.Ack, peer.OurNext, theirNext, payload: "hello", port: 1));
        Assert.True(socket.Input.TryRead(out ReadResult read));
        Assert.Equal(5, read.Buffer.Length);
    }

    [Fact]
    public void Listener_disposed_of_unread_input_of_what_nobody_accepted_gives_its_memory_back()
    {
        using var pool = new CountingPool();
        using var pair = new TcpPair();
        var input = new PipeOptions(pool, PipeScheduler.Inline, PipeScheduler.Inline, useSynchronizationContext: false);
        TcpListener listener = pair.B.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options with { Input = input } });
        TcpSocket client = pair.Clock.Run(
            async () => await pair.A.Layer.ConnectAsync(pair.A.Address, pair.B.Address, 80, TcpPair.Options, CancellationToken.None),
            TcpPair.Minutes);
        pair.Clock.Run(() => TcpTraffic.SendAsync(client.Output, 10_000, 1), TcpPair.Minutes);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(0, pool.Rented);
        listener.Dispose();
        Assert.Equal(0, pool.Rented);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TcpError.ConnectionReset, TcpPeer.ResultOf(client.ReceiveEnded)!.Error);
        client.Dispose();
        pair.B.AssertClean();
    }
}
