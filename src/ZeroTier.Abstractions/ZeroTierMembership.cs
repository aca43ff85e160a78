namespace ZeroTier;

/// <summary>
/// What a node has proven about itself as a member of one network, by credentials that the network's controller has signed and that are
/// currently valid. A snapshot; immutable.
/// </summary>
public sealed record ZeroTierMembership
{
    /// <summary>Creates a snapshot.</summary>
    /// <param name="network">The network.</param>
    /// <param name="node">The member.</param>
    public ZeroTierMembership(NetworkId network, NodeId node)
    {
        Network = network;
        Node = node;
    }

    /// <summary>The network.</summary>
    public NetworkId Network { get; init; }

    /// <summary>The member.</summary>
    public NodeId Node { get; init; }

    /// <summary>
    /// The member's tags: values by tag ID. The signature covers the member's ID, so a tag can be trusted as far as the controller.
    /// </summary>
    public IReadOnlyDictionary<uint, uint> Tags { get; init; } = new Dictionary<uint, uint>();

    /// <summary>The IDs of its capabilities, in ascending order.</summary>
    /// <remarks>
    /// They do not prove an identity: the signature of a capability does not cover its holder, so a member that has received one can
    /// present it as its own (docs/protocol/3-vl2.md 3.5.4). Use tags for access decisions.
    /// </remarks>
    public IReadOnlyList<uint> Capabilities { get; init; } = [];
}
