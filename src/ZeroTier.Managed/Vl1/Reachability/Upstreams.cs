namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>The roots other than ourselves, and which of them is used for look-ups and relaying (docs/protocol/2-vl1.md 2.10.1).</summary>
/// <remarks>
/// <see cref="Best"/> and <see cref="Relay"/> are read by the data plane without a lock; everything else is guarded by the control lock.
/// </remarks>
internal sealed class Upstreams(long offlineAfter)
{
    private volatile Peer? _best;
    private volatile PeerPath? _relay;

    public List<Peer> All { get; } = [];

    /// <summary>The root in use; null only when there is no other root. Even if all are dead, one is chosen.</summary>
    public Peer? Best => _best;

    /// <summary>The path to <see cref="Best"/>, over which packets for peers without a direct path are sent.</summary>
    public PeerPath? Relay => _relay;

    /// <summary>The path for packets to a peer without a direct path: that of the best root; null if the peer is the best root.</summary>
    public PeerPath? RelayFor(Peer peer) => peer.IsUpstream && ReferenceEquals(peer, _best) ? null : _relay;

    public bool RelayIsAlive(long now) => _relay is { } relay && relay.IsAlive(now);

    /// <summary>Whether something was received from any root within the offline timeout.</summary>
    public bool AnyHeard(long now) => All.Exists(root => now - root.LastReceived < offlineAfter);

    /// <summary>Chooses the best root again: 2.10.1; a root with two unanswered keepalives is ranked last.</summary>
    public void Choose(long now)
    {
        Peer? best = null;
        long bestScore = long.MaxValue;
        foreach (var root in All)
        {
            long silence = now - root.LastReceived;
            long latency = root.Paths.Length == 0 || root.BestPath(now) is not { Latency: > 0 } path ? ushort.MaxValue : path.Latency;
            long score = silence >= offlineAfter || root.IsUnresponsive
                ? long.MaxValue - 1
                : latency * (1 + silence / Vl1Timing.RootSilenceStep);
            if (best is null || score < bestScore || (score == bestScore && root.Id > best.Id))
            {
                best = root;
                bestScore = score;
            }
        }

        _best = best;
        _relay = best?.BestPath(now);
    }

    /// <summary>The best path of a peer has changed; if the peer is the best root, <see cref="Relay"/> changes with it.</summary>
    public void OnRerouted(Peer peer, PeerPath? best)
    {
        if (ReferenceEquals(peer, _best))
        {
            _relay = best;
        }
    }
}
