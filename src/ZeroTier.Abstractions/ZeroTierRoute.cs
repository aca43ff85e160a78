using System.Net;

namespace ZeroTier;

/// <summary>A route that a network assigns. Immutable.</summary>
public sealed record ZeroTierRoute
{
    /// <summary>Makes a route.</summary>
    /// <param name="target">The addresses that it leads to.</param>
    /// <param name="gateway">The member that takes packets further; null when the addresses are on the network itself.</param>
    /// <param name="metric">0 to 65535.</param>
    public ZeroTierRoute(IPNetwork target, IPAddress? gateway, int metric)
    {
        Target = target;
        Gateway = gateway;
        Metric = metric;
    }

    /// <summary>The addresses that it leads to.</summary>
    public IPNetwork Target { get; init; }

    /// <summary>The member that takes packets further; null when the addresses are on the network itself.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>0 to 65535; of two routes with the same prefix length the lower one counts.</summary>
    public int Metric { get; init; }

    /// <summary>For people: <c>10.1.0.0/16 via 10.147.17.5</c>.</summary>
    public override string ToString() => Gateway is null ? Target.ToString() : $"{Target} via {Gateway}";
}
