using System.Net;

namespace ZeroTier;

/// <summary>One event of a node. Immutable.</summary>
/// <param name="Code">What happened.</param>
/// <param name="Time">When, by the node's clock.</param>
public sealed record ZeroTierEvent(ZeroTierEventCode Code, DateTimeOffset Time)
{
    /// <summary>The network concerned; null for node and peer events.</summary>
    public NetworkId? Network { get; init; }

    /// <summary>The peer concerned; null for node, network and address events.</summary>
    public NodeId? Peer { get; init; }

    /// <summary>The address concerned; set for address events only.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>What to tell a person, where the code alone does not say it.</summary>
    public string? Detail { get; init; }
}
