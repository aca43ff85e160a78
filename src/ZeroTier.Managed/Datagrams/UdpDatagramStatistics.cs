namespace ZeroTier.Managed;

/// <summary>
/// Counters of a <see cref="UdpDatagramTransport"/> since its start, all sockets together. They are read one by one, not as a consistent
/// snapshot.
/// </summary>
public readonly record struct UdpDatagramStatistics
{
    /// <summary>Datagrams received.</summary>
    public long DatagramsReceived { get; init; }

    /// <summary>Payload bytes received.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Receive calls that returned data: <see cref="DatagramsReceived"/> divided by this is the average batch size.</summary>
    public long ReceiveBatches { get; init; }

    /// <summary>Receive calls that failed, except because of an ICMP message about an earlier send.</summary>
    public long ReceiveFailures { get; init; }

    /// <summary>Datagrams dropped because the receive call truncated them.</summary>
    public long DatagramsTruncated { get; init; }

    /// <summary>Datagrams passed to the operating system.</summary>
    public long DatagramsSent { get; init; }

    /// <summary>Payload bytes passed to the operating system.</summary>
    public long BytesSent { get; init; }

    /// <summary>Send calls that succeeded.</summary>
    public long SendCalls { get; init; }

    /// <summary>Datagrams not sent: no route, host or network unreachable or down, or the local address no longer exists.</summary>
    public long SendUnreachable { get; init; }

    /// <summary>Datagrams not sent: larger than the MTU of the first link.</summary>
    public long SendTooBig { get; init; }

    /// <summary>Datagrams not sent: no buffer space.</summary>
    public long SendNoBuffers { get; init; }

    /// <summary>Datagrams not sent: not permitted, for example by a firewall of this machine.</summary>
    public long SendNotPermitted { get; init; }

    /// <summary>Datagrams not sent for other reasons, such as a destination whose address family is not the socket's.</summary>
    public long SendOtherFailures { get; init; }
}
