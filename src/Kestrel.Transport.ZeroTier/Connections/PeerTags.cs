using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>Metric tags for a connection's network and path. Low cardinality: never a node ID (rule 9.3).</summary>
internal static class PeerTags
{
    private const string Network = "zerotier.network.id";

    /// <summary>
    /// Connection middleware that tags Kestrel's own <c>kestrel.connection.duration</c>, when that metric is being collected.
    /// </summary>
    public static ConnectionDelegate Middleware(ConnectionDelegate next) => connection =>
    {
        if (connection.Features.Get<IConnectionMetricsTagsFeature>() is { } metrics
            && connection.Features.Get<IZeroTierPeerFeature>() is { } peer)
        {
            metrics.Tags.Add(new(Network, peer.Network.ToString()));
            if (peer.IsDirect is { } direct)
            {
                metrics.Tags.Add(direct ? PathTags.Direct : PathTags.Relayed);
            }
        }

        return next(connection);
    };
}
