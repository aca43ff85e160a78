using ZeroTier.Managed.Net;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// How often a node may ask, over all networks, before anything is done for it. A table of fixed size, in which nodes may share a place.
/// Thread-safe.
/// </summary>
/// <param name="rate">The limit of each.</param>
/// <param name="key">Random, and known to nobody: whoever makes identities by the thousand must not find one that shares the place of a
/// certain member.</param>
internal sealed class RequestLimits(TokenRate rate, ulong key)
{
    /// <summary>
    /// Of a controller: a member of many networks asks for all of them at once when it starts, and asks again for those that got no answer.
    /// </summary>
    public static readonly TokenRate OfController = new(Burst: 128, PerSecond: 16);

    private const int PlaceBits = 12;

    private readonly Lock _lock = new();
    private readonly TokenBucket[] _buckets = new TokenBucket[1 << PlaceBits];

    /// <summary>Whether a node may ask now.</summary>
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
