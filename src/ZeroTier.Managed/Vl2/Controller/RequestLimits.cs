using ZeroTier.Managed.Net;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>How often a node may ask the controller, over all networks, before anything is done for it. A table of fixed size, in which nodes may share a
/// place. Thread-safe.</summary>
internal sealed class RequestLimits
{
    // A member of many networks asks for all of them at once when it starts, and asks again for those that got no answer.
    private static readonly TokenRate Requests = new(Burst: 128, PerSecond: 16);

    private const int Places = 4096;

    private readonly Lock _lock = new();
    private readonly TokenBucket[] _buckets = new TokenBucket[Places];

    /// <summary>Whether a node may ask now.</summary>
    public bool TryTake(NodeId node, long now)
    {
        lock (_lock)
        {
            return _buckets[node.Value % Places].TryTake(Requests, now);
        }
    }
}
