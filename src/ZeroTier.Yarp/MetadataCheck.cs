using Yarp.ReverseProxy.Configuration;

namespace ZeroTier.Yarp;

/// <summary>Rejects a configuration with invalid metadata before it is applied; YARP then keeps the current configuration.</summary>
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
