using Microsoft.AspNetCore.Http;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier;

/// <summary>
/// Who is at the other end of a connection that came over a ZeroTier network. A feature of the connection, and so of each of its requests.
/// Thread-safe.
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
    /// What the network's controller has signed about the caller, such as tags, as far as it is valid now; null while the caller has proven
    /// nothing, on networks without a controller, and when the engine cannot prove the node. Read live.
    /// </summary>
    ZeroTierMembership? Membership { get; }

    /// <summary>
    /// True while packets go straight to the peer; false while a root relays them; null while the engine does not know.
    /// Read live: it changes during a connection.
    /// </summary>
    bool? IsDirect { get; }

    /// <summary>Round-trip time to the peer over its direct path; null until measured.</summary>
    TimeSpan? Latency { get; }

    /// <summary>
    /// Lets a handler of a minimal API take the caller as a parameter; null where the request did not come over a ZeroTier network.
    /// </summary>
    /// <param name="context">The request.</param>
    static ValueTask<IZeroTierPeerFeature?> BindAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ValueTask.FromResult(context.GetZeroTierPeer());
    }
}
