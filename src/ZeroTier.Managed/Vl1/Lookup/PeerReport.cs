namespace ZeroTier.Managed.Vl1.Lookup;

/// <summary>Snapshots of peers for applications and for the peer cache. Thread-safe.</summary>
internal sealed class PeerReport(ControlPlane control, PeerTable peers, TimeProvider time)
{
    /// <summary>All peers, as applications see them. Allocates.</summary>
    public IReadOnlyList<ZeroTierPeer> Snapshot()
    {
        lock (control.Lock)
        {
            long now = control.Now;
            return [.. peers.All.Select(peer => Describe(peer, now))];
        }
    }

    /// <summary>One peer, as applications see it; null when it is not known. Allocates.</summary>
    public ZeroTierPeer? Describe(NodeId id)
    {
        if (peers.Find(id) is not { } peer)
        {
            return null;
        }

        lock (control.Lock)
        {
            return Describe(peer, control.Now);
        }
    }

    /// <summary>
    /// The peers to store, most recently heard first, and to pass as <see cref="Vl1NodeOptions.KnownPeers"/> at the next start. A root that
    /// restores its peers can serve them immediately.
    /// </summary>
    public IReadOnlyList<KnownPeer> ToStore()
    {
        lock (control.Lock)
        {
            return
            [
                .. peers.All.Where(peer => !peer.IsUpstream)
                    .OrderByDescending(peer => peer.LastReceived)
                    .Select(peer => peer.ToKnownPeer()),
                .. peers.Cached,
            ];
        }
    }

    /// <summary>What to store of one peer; null when it is not in memory, or is a root.</summary>
    public KnownPeer? ToStore(NodeId id)
    {
        lock (control.Lock)
        {
            return peers.Find(id) is { IsUpstream: false } peer ? peer.ToKnownPeer() : null;
        }
    }

    private ZeroTierPeer Describe(Peer peer, long now)
    {
        var inUse = peer.Route.Path;
        var wallClock = time.GetUtcNow();
        ZeroTierPath[] paths = [.. peer.Paths.Where(path => path.IsAlive(now)).OrderByDescending(path => ReferenceEquals(path, inUse))
            .Select(
                path => new ZeroTierPath(path.EndPoint.ToIPEndPoint(), At(wallClock, now - path.LastReceived), ReferenceEquals(path, inUse))
                {
                    LastSent = path.LastSent < 0 ? null : At(wallClock, now - path.LastSent),
                })];
        return new ZeroTierPeer(
            peer.Id, peer.IsMoonRoot ? ZeroTierPeerRole.Moon : peer.IsUpstream ? ZeroTierPeerRole.Planet : ZeroTierPeerRole.Leaf)
        {
            Paths = paths,
            IsRelayed = paths.Length == 0 && peer.LastReceived >= 0 && now - peer.LastReceived < Vl1Timing.PathAlive,
            Latency = peer.Latency == 0 ? null : TimeSpan.FromMilliseconds(peer.Latency),
            Version = peer.Version.IsKnown ? new Version(peer.Version.Major, peer.Version.Minor, peer.Version.Revision) : null,
            LastReceived = peer.LastReceived < 0 ? null : At(wallClock, now - peer.LastReceived),
        };
    }

    // Computed back from the current wall-clock time, since the wall clock may have been changed since the start.
    private static DateTimeOffset At(DateTimeOffset now, long age) => now - TimeSpan.FromMilliseconds(age);
}
