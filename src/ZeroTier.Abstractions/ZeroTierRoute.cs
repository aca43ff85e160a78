using System.Net;

namespace ZeroTier;

/// <summary>A route that a network assigns. Immutable.</summary>
public sealed record ZeroTierRoute
{
    /// <summary>Creates a route.</summary>
    /// <param name="target">The destination prefix.</param>
    /// <param name="gateway">The next hop, a member of the network; null when the destination is on the network itself.</param>
    /// <param name="metric">0 to 65535.</param>
    public ZeroTierRoute(IPNetwork target, IPAddress? gateway, int metric)
    {
        Target = target;
        Gateway = gateway;
        Metric = metric;
    }

    /// <summary>The destination prefix.</summary>
    public IPNetwork Target { get; init; }

    /// <summary>The next hop, a member of the network; null when the destination is on the network itself.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>0 to 65535; among routes with the same prefix length the lowest metric is preferred.</summary>
    public int Metric { get; init; }

    /// <summary>For people: <c>10.1.0.0/16 via 10.147.17.5</c>.</summary>
    public override string ToString() => Gateway is null ? Target.ToString() : $"{Target} via {Gateway}";
}
