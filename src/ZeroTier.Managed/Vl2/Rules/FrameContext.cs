namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// A frame and the facts about it that rules can match (docs/protocol/3-vl2.md 3.6.2). The addresses are those of the Ethernet frame; the
/// nodes are authenticated by VL1.
/// </summary>
internal readonly ref struct FrameContext
{
    /// <summary>True for a received frame, false for one to be sent.</summary>
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

    /// <summary>Always 0: frames have no VLAN tag in this protocol.</summary>
    public ushort VlanId { get; init; }

    /// <summary>The Ethernet payload.</summary>
    public required ReadOnlySpan<byte> Frame { get; init; }

    /// <summary>Our own credentials on this network.</summary>
    public required IMemberCredentials Own { get; init; }

    /// <summary>The credentials that the other member has presented; null when there are none, or no single other member.</summary>
    public IMemberCredentials? Remote { get; init; }
}
