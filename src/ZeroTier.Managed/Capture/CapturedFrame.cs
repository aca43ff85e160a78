namespace ZeroTier.Managed.Capture;

/// <summary>An Ethernet frame on its way in or out, as captures are told of it.</summary>
internal readonly ref struct CapturedFrame
{
    public required NetworkId Network { get; init; }

    /// <summary>As the network's controller says: any text at all.</summary>
    public required string NetworkName { get; init; }

    /// <summary>The Ethernet address of this node.</summary>
    public required MacAddress Own { get; init; }

    public required bool IsInbound { get; init; }

    /// <summary>Who sent it, or whom it goes to; 0 for a group.</summary>
    public required NodeId Peer { get; init; }

    public required MacAddress Source { get; init; }

    public required MacAddress Destination { get; init; }

    public required ushort EtherType { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>Bytes of the payload that rules cut off.</summary>
    public int Omitted { get; init; }

    /// <summary>What it is, where it is not an ordinary frame, and what became of it: short texts in UTF-8, or nothing.</summary>
    public ReadOnlySpan<byte> Kind { get; init; }

    /// <inheritdoc cref="Kind"/>
    public ReadOnlySpan<byte> Fate { get; init; }
}
