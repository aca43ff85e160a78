using System.Net;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>Networks that are left and joined again, and addresses that come and go.</summary>
public sealed class NetworkTests : SocketLoopTest
{
    // The double, as lwIP, binds what is not there; nothing ever comes that way.
    private static readonly IPNetworkAddress _other = new(IPAddress.Parse("fd00::7"), 64);

    private NetworkView Both => new(Network, [View.Addresses[0], _other]);

    [Fact]
    public async Task Requests_behind_a_leave_fail_and_do_not_hold_it_up()
    {
        var closing = Loop.CloseNetworkAsync(Network);

        await Fails(ZeroTierError.NetworkUnavailable, () => Listen());
        await Fails(ZeroTierError.NetworkUnavailable, () => Loop.BindDatagramAsync(View, new ZeroTierEndPoint(Network, 0), Token).AsTask());
        await Fails(
            ZeroTierError.NetworkUnavailable,
            () => Loop.ConnectAsync(
                View, new ZeroTierEndPoint(Network, Double.RawDouble.Ip(Peer.Address(0)), 80), Options, Token).AsTask());
        await Bounded(closing);
        Assert.Equal(0, Loop.Counters.Descriptors);
    }

    [Fact]
    public async Task Network_joined_again_works_again()
    {
        await Bounded(Loop.CloseNetworkAsync(Network));
        Loop.UpdateNetwork(View);

        var (connection, peer) = await Accept();

        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Listener_on_all_addresses_follows_them()
    {
        Loop.UpdateNetwork(new NetworkView(Network, [_other]));
        var listener = await Listen(7001);
        var single = await Bounded(Loop.ListenAsync(View, new ZeroTierEndPoint(Network, _other.Address, 7002), Options, Token));
        Assert.Equal(2, Loop.Ports.Count);

        Loop.UpdateNetwork(Both);

        Until(() => Loop.Ports.Count == 3);
        var (connection, peer) = await Accept(listener);
        Loop.UpdateNetwork(View);
        Until(() => Loop.Ports.Count == 2);
        Loop.UpdateNetwork(new NetworkView(Network, []));
        Loop.UpdateNetwork(View);
        var (connection2, peer2) = await Accept(listener);
        await Bounded(listener.DisposeAsync());
        await Bounded(single.DisposeAsync());
        Assert.Equal(0, Loop.Ports.Count);
        await connection.DisposeAsync();
        await connection2.DisposeAsync();
        peer.Close();
        peer2.Close();
    }

    [Fact]
    public async Task New_address_whose_port_is_taken_is_left_out_and_said_so()
    {
        Loop.UpdateNetwork(Both);
        var taken = await Bounded(Loop.ListenAsync(View, new ZeroTierEndPoint(Network, _other.Address, 7001), Options, Token));
        Loop.UpdateNetwork(View);
        var listener = await Listen(taken.EndPoint.Port);

        Loop.UpdateNetwork(Both);

        Until(() => Logs.Lines.Any(l => l.Event.Id == 207));
        var (connection, peer) = await Accept(listener);
        await connection.DisposeAsync();
        peer.Close();
        await Bounded(listener.DisposeAsync());
        await Bounded(taken.DisposeAsync());
    }

    [Fact]
    public async Task Udp_port_on_all_addresses_follows_them()
    {
        Loop.UpdateNetwork(new NetworkView(Network, [_other]));
        var socket = await Bounded(Loop.BindDatagramAsync(View, new ZeroTierEndPoint(Network, 7003), Token));
        var peer = new IPEndPoint(Double.RawDouble.Ip(Peer.Address(0)), 9);
        await Fails(ZeroTierError.AddressNotAvailable, () => socket.SendToAsync(new byte[1], peer, Token).AsTask());

        Loop.UpdateNetwork(Both);

        Until(() => Loop.Ports.Count == 2);
        await Bounded(socket.SendToAsync(new byte[1], peer, Token));
        Loop.UpdateNetwork(View);
        Until(() => Loop.Ports.Count == 1);
        await Bounded(socket.DisposeAsync());
        Assert.Equal(0, Loop.Ports.Count);
    }
}
