using ZeroTier.Managed.Vl1.Lookup;
using ZeroTier.Managed.Vl1.Reachability;
using ZeroTier.Managed.Vl1.RootService;

namespace ZeroTier.Managed.Vl1.Roots;

/// <summary>Keepalives to peers other than roots (docs/protocol/2-vl1.md 2.9). Under the control lock.</summary>
internal sealed class PeerContact(
    PeerTable peers,
    Upstreams upstreams,
    HelloSender helloSender,
    Prober prober,
    PathTable pathTable,
    PeerDirectory directory,
    IdentityLookup lookup,
    long activity)
{
    /// <summary>Nodes to which a path is kept even without traffic, such as controllers.</summary>
    public NodeId[] Anchors { get; set; } = [];

    /// <summary>
    /// Sends the keepalives that are due: to anchors always, to others while there is traffic. On a root, also reports to nodes at which
    /// other endpoints their identity is used.
    /// </summary>
    public void Keep(RootServer? service, long now)
    {
        foreach (var id in Anchors)
        {
            if (directory.FindOrRestore(id) is not { } anchor)
            {
                lookup.Whois(id, now);
            }
            else if (!KeepPaths(anchor, now) && now - anchor.LastFullHello >= Vl1Timing.AnchorHello)
            {
                anchor.LastFullHello = now;
                helloSender.SendThroughRoot(anchor, now);
            }
        }

        foreach (var peer in peers.All)
        {
            if (!peer.IsUpstream && Array.IndexOf(Anchors, peer.Id) < 0)
            {
                KeepLeaf(peer, service, now);
            }
        }
    }

    /// <summary>
    /// Sends a second HELLO to all peers some time after the start. A ZeroTierOne 1.12 node that knew us before considers the path to our
    /// former port alive until 19 s after it last received something from there, and ignores other ports of our address until then
    /// (2.13.2); unless it then receives something from the new port, it sends to the old one for up to 243 s.
    /// </summary>
    public void RepeatHellos(long now)
    {
        foreach (var peer in peers.All.Where(peer => !peer.IsUpstream)
            .OrderByDescending(peer => peer.LastReceived)
            .Take(Vl1Limits.RepeatedHellos))
        {
            foreach (var path in peer.Paths)
            {
                helloSender.Send(peer, path.Socket, path.EndPoint);
            }

            if (peer.Paths.Length == 0)
            {
                directory.SendHelloToFormerEndPoints(peer, now);
            }
        }
    }

    /// <summary>Removes peers from which nothing was received for the activity timeout.</summary>
    public void ForgetSilent(long now)
    {
        for (int i = peers.All.Count - 1; i >= 0; i--)
        {
            var peer = peers.All[i];
            if (!peer.IsUpstream && now - peer.LastSign >= activity && Array.IndexOf(Anchors, peer.Id) < 0)
            {
                directory.Forget(peer);
            }
        }
    }

    private void KeepLeaf(Peer peer, RootServer? service, long now)
    {
        service?.TellOtherPlaces(peer, now);
        bool relaying = now - peer.LastRelayedSend < Vl1Timing.PathInUse;
        bool active = now - peer.LastNontrivial < activity || relaying
            || Array.Exists(peer.Paths, path => now - path.LastUsed < Vl1Timing.PathInUse);
        if (!active)
        {
            pathTable.DropExpired(peer, now);
            return;
        }

        if (KeepPaths(peer, now) || !relaying)
        {
            return;
        }

        if (!upstreams.RelayIsAlive(now))
        {
            directory.SendHelloToFormerEndPoints(peer, now);
        }
        else if (!peer.Version.IsKnown)
        {
            helloSender.SendThroughRoot(peer, now);
        }
    }

    // Sends keepalives on all paths of a peer (2.9). False when it has no path.
    private bool KeepPaths(Peer peer, long now)
    {
        pathTable.DropExpired(peer, now);
        if (peer.Paths.Length == 0)
        {
            return false;
        }

        bool full = now - peer.LastFullHello >= Vl1Timing.FullPing;
        if (full)
        {
            peer.LastFullHello = now;
        }

        foreach (var path in peer.Paths)
        {
            if (full)
            {
                helloSender.Send(peer, path.Socket, path.EndPoint);
            }
            else if (now - path.LastSent >= Vl1Timing.Heartbeat || now - path.LastReceived >= Vl1Timing.ReceiveHeartbeat)
            {
                prober.Probe(peer, path.Socket, path.EndPoint);
            }
        }

        return true;
    }
}
