using System.Net;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>Ports and accepting.</summary>
public sealed class ListenerTests : SocketLoopTest
{
    [Fact]
    public async Task Port_zero_yields_free_ports_and_a_taken_one_fails_until_it_is_freed()
    {
        await using var one = await Listen();
        var two = await Listen();
        Assert.NotEqual(one.EndPoint.Port, two.EndPoint.Port);

        await Fails(ZeroTierError.AddressInUse, () => Listen(two.EndPoint.Port));
        await Bounded(two.DisposeAsync());
        await Bounded(two.DisposeAsync());

        await using var again = await Listen(two.EndPoint.Port);
        Assert.Equal(two.EndPoint, again.EndPoint);
    }

    [Fact]
    public async Task Port_can_be_bound_again_at_once_after_its_connections_were_closed_by_this_end()
    {
        var listener = await Listen();
        var (connection, peer) = await Accept(listener);
        await connection.DisposeAsync();
        Assert.Equal((0, 0), peer.ReceiveToEnd());
        peer.Close();
        await Bounded(listener.DisposeAsync());

        await using var again = await Listen(listener.EndPoint.Port);
        var (connection2, peer2) = await Accept(again);
        await connection2.DisposeAsync();
        peer2.Close();
    }

    [Fact]
    public async Task Foreign_address_or_none_fails()
    {
        await Fails(
            ZeroTierError.AddressNotAvailable,
            () => Loop.ListenAsync(View, new ZeroTierEndPoint(Network, IPAddress.Parse("fc00::1"), 80), Options, Token).AsTask());
        await Fails(
            ZeroTierError.NetworkUnavailable,
            () => Loop.ListenAsync(new NetworkView(Network, []), new ZeroTierEndPoint(Network, 80), Options, Token).AsTask());
        Assert.Equal(0, Loop.Counters.Descriptors);
    }

    [Fact]
    public async Task Second_address_that_fails_gives_the_first_one_back()
    {
        await using var taken = await Listen();
        var twice = new NetworkView(Network, [View.Addresses[0], View.Addresses[0]]);

        // Room for one: the loop has no wake socket while it works on the request.
        Control.Configure("sockets=2");

        await Fails(
            ZeroTierError.NotPermitted, () => Loop.ListenAsync(twice, new ZeroTierEndPoint(Network, 4567), Options, Token).AsTask());

        Assert.Equal(1, Loop.Counters.Descriptors);
        Assert.Equal(1, Loop.Ports.Count);
    }

    [Fact]
    public async Task Cancelled_accept_leaves_no_waiter_behind_and_the_listener_goes_on()
    {
        await using var listener = await Listen();
        using var stop = new CancellationTokenSource();
        var accepting = listener.AcceptAsync(stop.Token).AsTask();
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(accepting));

        Assert.Equal(0, ((LibztListener)listener).WaiterCount);
        var (connection, peer) = await Accept(listener);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Dispose_resets_what_nobody_accepted_and_keeps_the_others()
    {
        var listener = await Listen();
        var (connection, peer) = await Accept(listener);
        var waiting = PeerSocket.Connect(Peer, To(listener));
        waiting.Send(Data(1000));
        Until(() => Loop.Counters.BytesReceived == 1000);

        await Bounded(listener.DisposeAsync());

        Assert.Equal((0, 104), waiting.ReceiveToEnd());
        Assert.Null(await Bounded(listener.AcceptAsync(Token)));
        peer.Send([1]);
        Assert.Equal([1], await Read(connection, 1));
        await connection.DisposeAsync();
        peer.Close();
        waiting.Close();
    }
}
