using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed.Datagrams;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>A system that cannot be told not to fragment: probes must not arrive in fragments, which many paths lose.</summary>
public sealed class UdpFragmentationTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_where_the_system_may_fragment_what_ethernet_does_not_carry_whole_is_refused(bool mayFragment)
    {
        var received = new CollectingReceiver();
        var refused = new List<int>();
        await using var receiver = Open(mayFragment: false);
        await using var sender = Open(mayFragment);
        receiver.Start(received);
        sender.Start(new CollectingReceiver { OnEachRefused = (_, size) => refused.Add(size) });

        sender.Send(receiver.LocalEndPoint, new byte[2852], 2852);
        sender.Send(receiver.LocalEndPoint, new byte[3 * 1453], 1453);
        sender.Send(receiver.LocalEndPoint, new byte[2 * 1452], 1452);

        var arrived = await received.WaitForAsync(mayFragment ? 2 : 6);
        Assert.Equal(mayFragment ? [1452, 1452] : [2852, 1453, 1453, 1453, 1452, 1452], arrived.Select(datagram => datagram.Length));
        Assert.Equal(mayFragment ? [2852, 1453] : [], refused);
    }

    private static UdpSocketGroup Open(bool mayFragment)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var endPoint = InetEndPoint.From((IPEndPoint)socket.LocalEndPoint!);
        return new UdpSocketGroup(
            [new PortableUdpSocket(socket, endPoint, index: 0, new UdpCounters(), NullLogger.Instance)], mayFragment);
    }
}
