namespace ZeroTier.Managed.IpStack;

/// <summary>A received IP packet, validated and, where it came in fragments, reassembled.</summary>
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

    /// <summary>
    /// Offset in the packet of the field that holds the transport protocol's number: IPv6's last next-header field, IPv4's protocol field.
    /// </summary>
    public required int ProtocolOffset { get; init; }

    /// <summary>TTL or hop limit.</summary>
    public required byte HopLimit { get; init; }

    /// <summary>IPv6: it came with a fragment header.</summary>
    public bool WasFragmented { get; init; }

    /// <summary>Sent to a multicast or broadcast address: no error message is sent about it.</summary>
    public required bool IsGroup { get; init; }
}
