namespace ZeroTier.Managed.Capture;

/// <summary>An inbound or outbound Ethernet frame to be captured.</summary>
internal readonly ref struct CapturedFrame
{
    public required NetworkId Network { get; init; }

    /// <summary>The network's name, an arbitrary text from its controller.</summary>
    public required string NetworkName { get; init; }

    /// <summary>The Ethernet address of this node.</summary>
    public required MacAddress Own { get; init; }

    public required bool IsInbound { get; init; }

    /// <summary>The node that sent the frame, or to which it is sent; 0 for a multicast group.</summary>
    public required NodeId Peer { get; init; }

    public required MacAddress Source { get; init; }

    public required MacAddress Destination { get; init; }

    public required ushort EtherType { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>Bytes of the payload that are missing because a rule limits the length of the copy.</summary>
    public int Omitted { get; init; }

    /// <summary>For the comment in the capture: the kind of a frame that is not an ordinary one (short UTF-8 text, may be empty).</summary>
    public ReadOnlySpan<byte> Kind { get; init; }

    /// <summary>For the comment in the capture: what was done with the frame, such as a drop (short UTF-8 text, may be empty).</summary>
    public ReadOnlySpan<byte> Fate { get; init; }
}
