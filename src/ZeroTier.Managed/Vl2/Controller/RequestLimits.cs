using ZeroTier.Managed.Net;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// Limits the requests of each node, over all networks. Nodes are hashed to a table of fixed size, so several may share a token bucket.
/// Thread-safe.
/// </summary>
/// <param name="rate">The limit of each bucket.</param>
/// <param name="key">A random secret, so that an attacker who makes thousands of identities cannot tell which of them shares the bucket of
/// a certain member.</param>
internal sealed class RequestLimits(TokenRate rate, ulong key)
{
    /// <summary>
    /// The limit of a controller: a member of many networks requests all of them at the same time when it starts, and repeats unanswered
    /// requests.
    /// </summary>
    public static readonly TokenRate OfController = new(Burst: 128, PerSecond: 16);

    private const int PlaceBits = 12;

    private readonly Lock _lock = new();
    private readonly TokenBucket[] _buckets = new TokenBucket[1 << PlaceBits];

    /// <summary>Whether a request of this node is within the limit.</summary>
    public bool TryTake(NodeId node, long now)
    {
        lock (_lock)
        {
            return _buckets[PlaceOf(node)].TryTake(rate, now);
        }
    }

    // Multiply-shift hashing with a random odd multiplier.
    private int PlaceOf(NodeId node) => (int)(node.Value * (key | 1) >> 64 - PlaceBits);
}
