namespace ZeroTier.Managed;

/// <summary>
/// What a <see cref="UdpDatagramTransport"/> did so far, all sockets together. The numbers are read one by one, not at one instant.
/// </summary>
public readonly record struct UdpDatagramStatistics
{
    /// <summary>Datagrams received.</summary>
    public long DatagramsReceived { get; init; }

    /// <summary>Payload bytes received.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Receive calls that brought something: <see cref="DatagramsReceived"/> divided by this is the batch size.</summary>
    public long ReceiveBatches { get; init; }

    /// <summary>Receive calls that failed for another reason than an answer from the network to an earlier send.</summary>
    public long ReceiveFailures { get; init; }

    /// <summary>Datagrams dropped on receive because they were cut short.</summary>
    public long DatagramsTruncated { get; init; }

    /// <summary>Datagrams handed to the system.</summary>
    public long DatagramsSent { get; init; }

    /// <summary>Payload bytes handed to the system.</summary>
    public long BytesSent { get; init; }

    /// <summary>Send calls that the system took.</summary>
    public long SendCalls { get; init; }

    /// <summary>Datagrams not sent: no route, host or network unreachable or down, or no such local address any more.</summary>
    public long SendUnreachable { get; init; }

    /// <summary>Datagrams not sent: too big for the system.</summary>
    public long SendTooBig { get; init; }

    /// <summary>Datagrams not sent: no buffers.</summary>
    public long SendNoBuffers { get; init; }

    /// <summary>Datagrams not sent: forbidden, by a firewall of this machine for example.</summary>
    public long SendNotPermitted { get; init; }

    /// <summary>Datagrams not sent for other reasons, among them a destination of another address family than the socket's.</summary>
    public long SendOtherFailures { get; init; }
}
