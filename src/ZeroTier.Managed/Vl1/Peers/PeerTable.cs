using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1.Peers;

/// <summary>The peers in memory, and the peer cache: those that were evicted, or known to an earlier run. Both are bounded.</summary>
/// <remarks>
/// <see cref="Find"/> takes no lock; everything else is guarded by the control lock. The table only holds peers; PeerDirectory does what
/// follows from adding or removing one.
/// </remarks>
internal sealed class PeerTable
{
    private readonly ConcurrentDictionary<ulong, Peer> _byId = new(concurrencyLevel: 1, capacity: 31);
    private readonly List<Peer> _all = [];
    private readonly Dictionary<NodeId, KnownPeer> _cache = [];
    private readonly List<SessionKeys> _retiredKeys = [];
    private TokenBucket _restores;

    /// <summary>All peers in memory, in the order in which they were added.</summary>
    public IReadOnlyList<Peer> All => _all;

    /// <summary>The entries of the peer cache.</summary>
    public IReadOnlyCollection<KnownPeer> Cached => _cache.Values;

    public bool IsFull => _all.Count >= Vl1Limits.Peers;

    /// <summary>The peer with this address, if its identity is known. Lock-free.</summary>
    public Peer? Find(NodeId id) => _byId.GetValueOrDefault(id.Value);

    public bool TryFindCached(NodeId id, [NotNullWhen(true)] out KnownPeer? known) => _cache.TryGetValue(id, out known);

    /// <summary>
    /// Whether a peer of the cache may be restored because of an unauthenticated packet: a limited number may, as each costs a key
    /// agreement.
    /// </summary>
    public bool MayRestoreForStranger(NodeId id, long now, [NotNullWhen(true)] out KnownPeer? known) =>
        _cache.TryGetValue(id, out known) && _restores.TryTake(Vl1Limits.CacheRestores, now);

    public void Add(Peer peer)
    {
        _byId[peer.Id.Value] = peer;
        _all.Add(peer);
        _cache.Remove(peer.Id);
    }

    /// <summary>Removes a peer from memory; its identity and endpoints go to the peer cache, unless that is full.</summary>
    public void Remove(Peer peer)
    {
        peer.IsForgotten = true;
        _byId.TryRemove(peer.Id.Value, out _);
        _all.Remove(peer);
        if (_cache.Count < Vl1Limits.CachedPeers)
        {
            _cache[peer.Id] = peer.ToKnownPeer();
        }

        // A data-plane thread may be using the keys at this moment, so they are zeroed later, by DisposeRetiredKeys.
        _retiredKeys.Add(peer.Keys);
    }

    /// <summary>The leaf that was silent longest.</summary>
    public Peer? FindMostSilent()
    {
        Peer? silent = null;
        foreach (var peer in _all)
        {
            if (!peer.IsUpstream && (silent is null || peer.LastSign < silent.LastSign))
            {
                silent = peer;
            }
        }

        return silent;
    }

    public void Cache(KnownPeer known) => _cache[known.Identity.Address] = known;

    public bool TakeCached(NodeId id, [NotNullWhen(true)] out KnownPeer? known) => _cache.Remove(id, out known);

    /// <summary>Zeroes the keys of peers that were removed since the last call.</summary>
    public void DisposeRetiredKeys()
    {
        foreach (var keys in _retiredKeys)
        {
            keys.Dispose();
        }

        _retiredKeys.Clear();
    }

    /// <summary>Zeroes all keys.</summary>
    public void DisposeKeys()
    {
        DisposeRetiredKeys();
        foreach (var peer in _all)
        {
            peer.Keys.Dispose();
        }
    }
}
