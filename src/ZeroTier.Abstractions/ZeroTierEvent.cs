using System.Net;

namespace ZeroTier;

/// <summary>One event of a node. Immutable.</summary>
public sealed record ZeroTierEvent
{
    /// <summary>Creates an event.</summary>
    /// <param name="code">What happened.</param>
    /// <param name="time">When, by the node's clock.</param>
    public ZeroTierEvent(ZeroTierEventCode code, DateTimeOffset time)
    {
        Code = code;
        Time = time;
    }

    /// <summary>What happened.</summary>
    public ZeroTierEventCode Code { get; init; }

    /// <summary>When, by the node's clock.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The network concerned; null for node and peer events.</summary>
    public NetworkId? Network { get; init; }

    /// <summary>The peer concerned; null for node, network and address events.</summary>
    public NodeId? Peer { get; init; }

    /// <summary>The address concerned; set for address events only.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>Further explanation for people; null when the code says it all.</summary>
    public string? Detail { get; init; }
}
