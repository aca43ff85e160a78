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

    /// <summary>Receives one datagram; what does not fit in the buffer is cut off. When the bounded queue is full, the newest are dropped and counted.</summary>
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
