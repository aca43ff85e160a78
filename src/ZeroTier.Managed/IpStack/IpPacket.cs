namespace ZeroTier.Managed.IpStack;

/// <summary>A received IP packet, checked and, if need be, put together again.</summary>
internal readonly ref struct IpPacket
{
    public required IpAddress Source { get; init; }

    public required IpAddress Destination { get; init; }

    public required IpProtocol Protocol { get; init; }

    /// <summary>The Ethernet address that it came from.</summary>
    public required MacAddress SourceMac { get; init; }

    /// <summary>What follows the IP headers.</summary>
    public required ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>The whole packet, to quote in an error.</summary>
    public required ReadOnlySpan<byte> Packet { get; init; }

    /// <summary>IPv6: where in the packet the transport's number stands.</summary>
    public required int ProtocolOffset { get; init; }

    /// <summary>TTL or hop limit.</summary>
    public required byte HopLimit { get; init; }

    /// <summary>IPv6: it came with a fragment header.</summary>
    public bool WasFragmented { get; init; }

    /// <summary>Sent to a multicast or broadcast address: it never causes an error message.</summary>
    public required bool IsGroup { get; init; }
}
