namespace ZeroTier.Managed.IpStack;

/// <summary>A bound UDP port. Thread-safe.</summary>
internal sealed class UdpSocket : IDisposable
{
    /// <summary>The bound address; null for all of ours.</summary>
    public IpAddress? LocalAddress => throw new NotImplementedException();

    public ushort LocalPort => throw new NotImplementedException();

    /// <summary>Datagrams dropped because the receive queue was full.</summary>
    public long Dropped => throw new NotImplementedException();

    /// <summary>Sends one datagram.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">Too long, no route, or closed.</exception>
    public void SendTo(ReadOnlySpan<byte> datagram, in IpAddress destination, ushort port) => throw new NotImplementedException();

    /// <summary>Receives one datagram; what does not fit is cut off.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The socket was closed.</exception>
    public ValueTask<UdpReceived> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    public void Dispose()
    {
    }
}

/// <summary>What was received.</summary>
internal readonly record struct UdpReceived(int Length, IpAddress Source, ushort SourcePort, MacAddress SourceMac);
