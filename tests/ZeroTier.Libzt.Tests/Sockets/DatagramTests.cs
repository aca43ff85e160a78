using System.Net;
using ZeroTier.Libzt.Tests.Double;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>UDP ports.</summary>
public sealed class DatagramTests : SocketLoopTest
{
    [Fact]
    public async Task Datagrams_go_both_ways_and_prove_nothing()
    {
        await using var socket = await Bind();
        var (fd, peer) = PeerPort();
        byte[] buffer = new byte[100];

        await Bounded(socket.SendToAsync(new byte[] { 1, 2, 3 }, peer, Token));
        byte[] from = new byte[28];
        uint length = 28;
        Until(() => Peer.ReceiveFrom(fd, buffer, 100, 0, from, ref length) == 3);
        Assert.Equal([1, 2, 3], buffer[..3]);
        Assert.Equal(4, Peer.SendTo(fd, [4, 5, 6, 7], 4, 0, from, 28));

        var received = await Bounded(socket.ReceiveFromAsync(new Memory<byte>(buffer)[..2], Token));
        Assert.Equal(2, received.Length);
        Assert.Equal([4, 5], buffer[..2]);
        Assert.Equal(peer, received.RemoteEndPoint);
        Assert.Null(received.RemoteNode);
        await Bounded(socket.SendToAsync(ReadOnlyMemory<byte>.Empty, peer, Token));
        Until(() => Peer.ReceiveFrom(fd, buffer, 100, 0, from, ref length) == 0);
        Assert.Equal(2, Loop.Counters.DatagramsSent);
        Assert.Equal(1, Loop.Counters.DatagramsReceived);
        Assert.Equal(0, Peer.Close(fd));
    }

    [Fact]
    public async Task Many_datagrams_nobody_reads_are_dropped_and_counted()
    {
        await using var socket = await Bind();
        var (fd, _) = PeerPort();
        byte[] to = RawDouble.WithPort(Peer.Address(0), socket.EndPoint.Port);
        View.Addresses[0].Address.GetAddressBytes().CopyTo(to, 8);

        for (int i = 0; i < 2000; i++)
        {
            Peer.SendTo(fd, Data(1000), 1000, 0, to, 28);
            if (i % 50 == 0)
            {
                await Task.Delay(1, Token);
            }
        }

        Until(() => Loop.Counters.DatagramsDropped > 0);
        Assert.InRange(Loop.Counters.DatagramsReceived, 100, 1000);
        Assert.Equal(1000, (await Bounded(socket.ReceiveFromAsync(new byte[2000], Token))).Length);
        Assert.Equal(0, Peer.Close(fd));
    }

    [Fact]
    public async Task Many_datagrams_from_many_tasks_are_sent_in_turn()
    {
        await using var socket = await Bind();
        var (fd, peer) = PeerPort();

        await Bounded(Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 500; i++)
            {
                await socket.SendToAsync(new byte[100], peer, Token);
            }
        }, Token))));

        Until(() => Loop.Counters.DatagramsSent == 4000);
        Assert.Equal(0, Peer.Close(fd));
    }

    [Fact]
    public async Task What_cannot_work_fails_at_once()
    {
        await using var socket = await Bind();

        await Fails(
            ZeroTierError.NotPermitted,
            () => socket.SendToAsync(new byte[70_000], new IPEndPoint(RawDouble.Ip(Peer.Address(0)), 9), Token).AsTask());
        await Fails(
            ZeroTierError.AddressNotAvailable,
            () => socket.SendToAsync(new byte[1], new IPEndPoint(IPAddress.Parse("2001:db8::1"), 9), Token).AsTask());
        await Fails(
            ZeroTierError.AddressNotAvailable,
            () => socket.SendToAsync(new byte[1], new IPEndPoint(IPAddress.Parse("10.1.2.3"), 9), Token).AsTask());
        await Fails(ZeroTierError.AddressInUse, () => Loop.BindDatagramAsync(View, socket.EndPoint, Token).AsTask());
    }

    [Fact]
    public async Task Closed_or_cancelled_ends()
    {
        var socket = await Bind();
        using var stop = new CancellationTokenSource();
        var cancelled = socket.ReceiveFromAsync(new byte[10], stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(cancelled));
        var receiving = socket.ReceiveFromAsync(new byte[10], Token).AsTask();

        await Bounded(socket.DisposeAsync());
        await Bounded(socket.DisposeAsync());

        await Fails(ZeroTierError.ConnectionAborted, () => receiving);
        await Fails(ZeroTierError.ConnectionAborted, () => socket.ReceiveFromAsync(new byte[10], Token).AsTask());
        await Fails(
            ZeroTierError.ConnectionAborted,
            () => socket.SendToAsync(new byte[10], new IPEndPoint(RawDouble.Ip(Peer.Address(0)), 9), Token).AsTask());
        await using var again = await Bounded(Loop.BindDatagramAsync(View, socket.EndPoint, Token));
    }

    [Fact]
    public async Task Eagain_storm_does_not_spin()
    {
        await using var socket = await Bind();
        var (fd, _) = PeerPort();
        byte[] to = RawDouble.WithPort(Peer.Address(0), socket.EndPoint.Port);
        View.Addresses[0].Address.GetAddressBytes().CopyTo(to, 8);
        Control.Configure("eagain=1000000");
        Peer.SendTo(fd, [1], 1, 0, to, 28);
        await Task.Delay(200, Token);
        long before = Control.Counter("polls");

        await Task.Delay(500, Token);

        Assert.InRange(Control.Counter("polls") - before, 1, 200);
        Control.Configure("eagain=0");
        Assert.Equal(1, (await Bounded(socket.ReceiveFromAsync(new byte[10], Token))).Length);
        Assert.Equal(0, Peer.Close(fd));
    }

    private Task<IZeroTierDatagramSocket> Bind() => Bounded(Loop.BindDatagramAsync(View, new ZeroTierEndPoint(Network, 0), Token));

    private (int Fd, IPEndPoint EndPoint) PeerPort()
    {
        int fd = Peer.Socket(type: 2);
        Assert.Equal(0, Peer.Bind(fd, Peer.Address(0), 28));
        byte[] name = new byte[28];
        uint length = 28;
        Assert.Equal(0, Peer.LocalName(fd, name, ref length));
        return (fd, new IPEndPoint(RawDouble.Ip(name), name[2] << 8 | name[3]));
    }
}
