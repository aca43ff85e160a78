namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// A frame and all that rules may ask about it (docs/protocol/3-vl2.md 3.6.2). Its addresses are those of the Ethernet frame, its nodes
/// those that VL1 has proven.
/// </summary>
internal readonly ref struct FrameContext
{
    /// <summary>The frame comes in; else it is about to leave.</summary>
    public required bool IsInbound { get; init; }

    /// <summary>This node.</summary>
    public required NodeId Self { get; init; }

    /// <summary>The member that sends the frame.</summary>
    public required NodeId Source { get; init; }

    /// <summary>The member that is to receive it; the default value when there is no single one (multicast, bridges).</summary>
    public NodeId Destination { get; init; }

    public required MacAddress SourceMac { get; init; }

    public required MacAddress DestinationMac { get; init; }

    public required ushort EtherType { get; init; }

    /// <summary>0: frames carry no VLAN tag in this protocol.</summary>
    public ushort VlanId { get; init; }

    /// <summary>The Ethernet payload.</summary>
    public required ReadOnlySpan<byte> Frame { get; init; }

    /// <summary>Our own credentials on this network.</summary>
    public required IMemberCredentials Own { get; init; }

    /// <summary>What the other member has shown of itself; null when nothing, or when there is no single one.</summary>
    public IMemberCredentials? Remote { get; init; }
}
