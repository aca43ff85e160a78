namespace ZeroTier;

/// <summary>
/// What a node has proven of itself as a member of one network: by credentials that the network's controller has signed, and that are valid
/// now. A snapshot; immutable.
/// </summary>
public sealed record ZeroTierMembership
{
    /// <summary>Makes a snapshot.</summary>
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
    /// Its tags: the value by the tag's ID. The signature covers the member, so a tag can be trusted like the controller.
    /// </summary>
    public IReadOnlyDictionary<uint, uint> Tags { get; init; } = new Dictionary<uint, uint>();

    /// <summary>The IDs of its capabilities, rising.</summary>
    /// <remarks>
    /// They are no proof of who somebody is: the signature of a capability does not cover its holder, so a member that was shown one can
    /// present it as its own (docs/protocol/3-vl2.md 3.5.4). Decide about access by tags.
    /// </remarks>
    public IReadOnlyList<uint> Capabilities { get; init; } = [];
}
