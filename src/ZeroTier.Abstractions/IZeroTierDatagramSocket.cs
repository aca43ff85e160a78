using System.Net;

namespace ZeroTier;

/// <summary>A UDP port on a ZeroTier network. Thread-safe.</summary>
public interface IZeroTierDatagramSocket : IAsyncDisposable
{
    /// <summary>What is bound, with the real port.</summary>
    ZeroTierEndPoint EndPoint { get; }

    /// <summary>Sends one datagram. It may be lost, like any datagram.</summary>
    /// <exception cref="ZeroTierException">The socket is closed, the datagram is too long, or there is no route.</exception>
    ValueTask SendToAsync(ReadOnlyMemory<byte> datagram, IPEndPoint destination, CancellationToken cancellationToken = default);

    /// <summary>
    /// Receives datagrams that are sent to a multicast group and this socket's port, from now on, beside those to its address. Managed
    /// engine only.
    /// </summary>
    /// <remarks>
    /// Without effect if the socket has joined the group already. The network is told, and each sender learns of it within seconds. At most
    /// 512 groups are joined on one network at a time. To send to a group it need not be joined. As by default with
    /// <see cref="System.Net.Sockets.UdpClient"/>, sockets of this node that have joined a group get what this node sends to it, the
    /// sending socket included.
    /// </remarks>
    /// <param name="group">An IPv4 or IPv6 multicast address: in 224.0.0.0/4 or ff00::/8.</param>
    /// <exception cref="ArgumentException">The address is no multicast address.</exception>
    /// <exception cref="ZeroTierException">
    /// The socket is closed, the network carries no multicast, too many groups are joined, or the engine cannot join groups (libzt).
    /// </exception>
    void JoinGroup(IPAddress group);

    /// <summary>
    /// The reverse of <see cref="JoinGroup"/>; without effect if the socket has not joined the group. Closing the socket leaves all groups.
    /// </summary>
    /// <param name="group">An IPv4 or IPv6 multicast address: in 224.0.0.0/4 or ff00::/8.</param>
    /// <exception cref="ArgumentException">The address is no multicast address.</exception>
    /// <exception cref="ZeroTierException">The socket is closed, or the engine cannot join groups (libzt).</exception>
    void LeaveGroup(IPAddress group);

    /// <summary>
    /// Receives one datagram; what does not fit in the buffer is cut off. When the bounded queue is full, the newest are dropped and
    /// counted.
    /// </summary>
    /// <exception cref="ZeroTierException">The socket is closed.</exception>
    ValueTask<ZeroTierReceivedDatagram> ReceiveFromAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);
}

/// <summary>What was received.</summary>
public readonly record struct ZeroTierReceivedDatagram
{
    /// <summary>Makes a description of a datagram.</summary>
    /// <param name="length">Bytes written to the buffer.</param>
    /// <param name="remoteEndPoint">The sender's address on the network.</param>
    /// <param name="remoteNode">The sending node, from the authenticated source; null when the engine cannot prove it.</param>
    public ZeroTierReceivedDatagram(int length, IPEndPoint remoteEndPoint, NodeId? remoteNode)
    {
        Length = length;
        RemoteEndPoint = remoteEndPoint;
        RemoteNode = remoteNode;
    }

    /// <summary>Bytes written to the buffer.</summary>
    public int Length { get; init; }

    /// <summary>The sender's address on the network.</summary>
    public IPEndPoint RemoteEndPoint { get; init; }

    /// <summary>The sending node, from the authenticated source; null when the engine cannot prove it.</summary>
    public NodeId? RemoteNode { get; init; }
}
