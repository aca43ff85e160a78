using System.Net;
using System.Net.Sockets;
using ZeroTier.Engines;
using ZeroTier.Managed.IpStack;

namespace ZeroTier.Managed.Node;

/// <summary>A UDP port.</summary>
internal sealed class ManagedDatagramSocket(JoinedNetwork network, UdpSocket socket, ZeroTierEndPoint endPoint) : IZeroTierDatagramSocket
{
    public ZeroTierEndPoint EndPoint => endPoint;

    public ValueTask SendToAsync(ReadOnlyMemory<byte> datagram, IPEndPoint destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        try
        {
            socket.SendTo(datagram.Span, IpAddress.From(destination.Address), (ushort)destination.Port);
            return ValueTask.CompletedTask;
        }
        catch (SocketException e)
        {
            return ValueTask.FromException(ConnectionErrors.OfUdp(e, endPoint));
        }
    }

    public async ValueTask<ZeroTierReceivedDatagram> ReceiveFromAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var received = await socket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            return new ZeroTierReceivedDatagram(
                received.Length, new IPEndPoint(received.Source.ToIPAddress(), received.SourcePort), network.NodeOf(received.SourceMac));
        }
        catch (SocketException e)
        {
            throw ConnectionErrors.OfUdp(e, endPoint);
        }
    }

    public void JoinGroup(IPAddress group)
    {
        var address = GroupAddress.Check(group);
        network.RequireMulticast(group);
        try
        {
            socket.Join(IpAddress.From(address));
        }
        catch (SocketException e)
        {
            throw ConnectionErrors.OfUdp(e, endPoint);
        }
    }

    public void LeaveGroup(IPAddress group)
    {
        var address = GroupAddress.Check(group);
        try
        {
            socket.Leave(IpAddress.From(address));
        }
        catch (SocketException e)
        {
            throw ConnectionErrors.OfUdp(e, endPoint);
        }
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
