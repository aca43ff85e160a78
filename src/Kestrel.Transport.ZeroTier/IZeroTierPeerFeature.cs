using Microsoft.AspNetCore.Http;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier;

/// <summary>
/// Identifies the peer of a connection that came over a ZeroTier network. A connection feature, visible on each request of the connection
/// as well. Thread-safe.
/// </summary>
public interface IZeroTierPeerFeature
{
    /// <summary>
    /// The calling node, proven by the authenticated source of its packets; null when the engine cannot prove it.
    /// Never derived from the inner IP address alone.
    /// </summary>
    NodeId? Node { get; }

    /// <summary>The network that carries the connection.</summary>
    NetworkId Network { get; }

    /// <summary>
    /// The currently valid credentials, such as tags, that the network's controller has signed for the caller; null while the caller has
    /// presented none, on networks without a controller, and when the engine cannot prove the node. Evaluated at each read.
    /// </summary>
    ZeroTierMembership? Membership { get; }

    /// <summary>
    /// True while packets go straight to the peer; false while a root relays them; null while the engine does not know.
    /// Evaluated at each read: it changes during a connection.
    /// </summary>
    bool? IsDirect { get; }

    /// <summary>Round-trip time to the peer over its direct path; null until measured.</summary>
    TimeSpan? Latency { get; }

    /// <summary>
    /// Binds a parameter of this type in minimal API handlers; null when the request did not come over a ZeroTier network.
    /// </summary>
    /// <param name="context">The request.</param>
    static ValueTask<IZeroTierPeerFeature?> BindAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ValueTask.FromResult(context.GetZeroTierPeer());
    }
}
