using System.Net;

namespace ZeroTier;

/// <summary>A UDP port on a ZeroTier network. Thread-safe.</summary>
public interface IZeroTierDatagramSocket : IAsyncDisposable
{
    /// <summary>The bound endpoint, with the actual port.</summary>
    ZeroTierEndPoint EndPoint { get; }

    /// <summary>Sends one datagram. It may be lost, like any datagram.</summary>
    /// <exception cref="ZeroTierException">The socket is closed, the datagram is too long, or there is no route.</exception>
    ValueTask SendToAsync(ReadOnlyMemory<byte> datagram, IPEndPoint destination, CancellationToken cancellationToken = default);

    /// <summary>
    /// Joins a multicast group: the socket then also receives datagrams sent to the group and its port. Managed engine only.
    /// </summary>
    /// <remarks>
    /// Without effect if the socket has joined the group already. The membership is announced on the network; senders learn of it within
    /// seconds. At most 512 groups can be joined on one network at a time. Sending to a group does not require joining it. As by default
    /// with <see cref="System.Net.Sockets.UdpClient"/>, sockets of this node that have joined a group get what this node sends to it, the
    /// sending socket included.
    /// </remarks>
    /// <param name="group">An IPv4 or IPv6 multicast address: in 224.0.0.0/4 or ff00::/8.</param>
    /// <exception cref="ArgumentException">The address is no multicast address.</exception>
    /// <exception cref="ZeroTierException">
    /// The socket is closed, the network carries no multicast, too many groups are joined, or the engine cannot join groups (libzt).
    /// </exception>
    void JoinGroup(IPAddress group);

    /// <summary>Leaves a multicast group; without effect if the socket has not joined it. Closing the socket leaves all groups.</summary>
    /// <param name="group">An IPv4 or IPv6 multicast address: in 224.0.0.0/4 or ff00::/8.</param>
    /// <exception cref="ArgumentException">The address is no multicast address.</exception>
    /// <exception cref="ZeroTierException">The socket is closed, or the engine cannot join groups (libzt).</exception>
    void LeaveGroup(IPAddress group);

    /// <summary>
    /// Receives one datagram, truncated to the buffer's length. The receive queue is bounded: datagrams that arrive while it is full are
    /// dropped and counted.
    /// </summary>
    /// <exception cref="ZeroTierException">The socket is closed.</exception>
    ValueTask<ZeroTierReceivedDatagram> ReceiveFromAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);
}

/// <summary>Describes a received datagram.</summary>
public readonly record struct ZeroTierReceivedDatagram
{
    /// <summary>Creates a description of a datagram.</summary>
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
