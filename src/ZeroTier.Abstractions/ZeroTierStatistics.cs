namespace ZeroTier;

/// <summary>Counters of a node since its start. A snapshot: each number is exact, but they are not all read at the same instant.</summary>
public sealed record ZeroTierStatistics
{
    /// <summary>UDP datagrams received; 0 on engines that do not report it.</summary>
    public long DatagramsReceived { get; init; }

    /// <summary>UDP datagrams sent; 0 on engines that do not report it.</summary>
    public long DatagramsSent { get; init; }

    /// <summary>
    /// UDP payload bytes received; on engines that do not report it (libzt), the bytes received by the node's virtual sockets.
    /// </summary>
    public long BytesReceived { get; init; }

    /// <summary>UDP payload bytes sent; on engines that do not report it (libzt), the bytes sent by the node's virtual sockets.</summary>
    public long BytesSent { get; init; }

    /// <summary>Packets dropped, by reason. The reasons are stable, low-cardinality names such as <c>vl1.mac</c>.</summary>
    public IReadOnlyDictionary<string, long> Dropped { get; init; } = new Dictionary<string, long>();

    /// <summary>TCP connections currently open.</summary>
    public long TcpConnections { get; init; }

    /// <summary>
    /// TCP connections that ended before they were established, in either direction: refused, unanswered, or given up; 0 on engines that do
    /// not report it.
    /// </summary>
    public long TcpHandshakesFailed { get; init; }

    /// <summary>TCP segments retransmitted.</summary>
    public long TcpRetransmissions { get; init; }

    /// <summary>TCP segments received.</summary>
    public long TcpSegmentsReceived { get; init; }

    /// <summary>TCP segments sent.</summary>
    public long TcpSegmentsSent { get; init; }
}
