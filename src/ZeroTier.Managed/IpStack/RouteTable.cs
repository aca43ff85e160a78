namespace ZeroTier.Managed.IpStack;

/// <summary>Routes, the best one first: longest prefix, then lowest metric. Immutable.</summary>
internal sealed class RouteTable
{
    private readonly IpRoute[] _routes;

    public RouteTable(ReadOnlySpan<IpRoute> routes) =>
        _routes = [.. routes.ToArray().OrderByDescending(static route => route.PrefixLength).ThenBy(static route => route.Metric)];

    /// <summary>The neighbour that takes packets for a destination: a gateway, or the destination itself.</summary>
    public bool TryFind(in IpAddress destination, out IpAddress nextHop)
    {
        foreach (ref readonly var route in _routes.AsSpan())
        {
            if (destination.IsInPrefix(route.Target, route.PrefixLength))
            {
                nextHop = route.Gateway ?? destination;
                return true;
            }
        }

        nextHop = default;
        return false;
    }
}
