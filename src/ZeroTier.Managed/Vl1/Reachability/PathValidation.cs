namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>Detects direct paths that may be dead, and probes them. Packets go through a root until they answer.</summary>
internal sealed class PathValidation(ControlPlane control, Prober prober, Router router)
{
    /// <summary>
    /// Called when a packet of a peer came through a root although we have a direct path on which nothing was received just now: the peer
    /// may have restarted or moved. Probes its paths, and sends through the root, too, until they answer; otherwise what we send could be
    /// lost for 19 s, until the path counts as silent. Done before the packet is dispatched, because handlers send answers. Takes the lock.
    /// </summary>
    public void Revalidate(Peer peer)
    {
        long now = control.Now;
        if (peer.IsUpstream || peer.Route.Path is not { } inUse
            || now - inUse.LastReceived <= Vl1Timing.PathFresh || now - peer.LastRevalidation < Vl1Timing.RevalidationInterval)
        {
            return;
        }

        using var _ = control.Enter();
        peer.LastRevalidation = now;
        foreach (var path in peer.Paths)
        {
            path.NeedsValidation = true;
            prober.Probe(peer, path.Socket, path.EndPoint);
        }

        router.Reroute(peer, now);
    }

    /// <summary>
    /// Called at every tick. If nothing is received on the path in use after we sent frames, probes it with ECHO; after two unanswered
    /// probes marks it for validation, so that packets go through a root (ZeroTierOne 1.12 keeps using a broken path for up to 243 s). A
    /// peer that has gone or moved loses all its paths at once, so the second probe is sent on all of them. Under the lock.
    /// </summary>
    public void WatchPathInUse(Peer peer, long now)
    {
        if (peer.IsUpstream || peer.Route.Path is not { } path)
        {
            return;
        }

        if (path.LastReceived >= path.LastProbe)
        {
            path.UnansweredProbes = 0;
        }

        // Something was received after the last frame sent, or no frame was sent for a while: an idle path is not probed.
        if (path.LastReceived >= path.LastUsed || now - path.LastUsed >= Vl1Timing.PathWatched)
        {
            return;
        }

        if (now - path.LastReceived < Vl1Timing.PathProbe || now - path.LastProbe < Vl1Timing.PathProbe)
        {
            return;
        }

        if (path.UnansweredProbes >= Vl1Limits.UnansweredPathProbes)
        {
            path.UnansweredProbes = 0;
            foreach (var other in peer.Paths)
            {
                other.NeedsValidation |= other.LastReceived < path.LastProbe;
            }
        }

        path.UnansweredProbes++;
        path.LastProbe = now;
        foreach (var other in peer.Paths)
        {
            if (other == path || path.UnansweredProbes == Vl1Limits.UnansweredPathProbes)
            {
                prober.Probe(peer, other.Socket, other.EndPoint);
            }
        }
    }
}
