using Yarp.ReverseProxy.Configuration;

namespace ZeroTier.Yarp;

/// <summary>
/// Refuses a configuration whose metadata say something that is not understood, before any of it is in use: YARP then keeps the one that it
/// has.
/// </summary>
internal sealed class MetadataCheck : IProxyConfigFilter
{
    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel)
    {
        _ = ClusterChoice.Of(cluster.Metadata);
        return ValueTask.FromResult(cluster);
    }

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel) =>
        ValueTask.FromResult(route);
}
