using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Vl1.Reachability;

namespace ZeroTier.Managed.Vl1.Lookup;

/// <summary>
/// Adds peers, by a verified identity or from the peer cache, and evicts them. Called under the control lock, except where noted.
/// </summary>
internal sealed class PeerDirectory(
    ControlPlane control,
    PeerTable peers,
    WhoisTable whois,
    PathRules rules,
    HelloSender helloSender,
    Prober prober,
    Router router,
    NatTraversal natTraversal,
    SendQueue sendQueue,
    ILogger log)
{
    /// <summary>
    /// Adds a peer whose identity was verified, or came from a root. A full table evicts the leaf that was silent longest; null when none
    /// was silent long enough.
    /// </summary>
    public Peer? Add(NodeIdentity identity, SessionKeys keys, long now, bool mayEvictAnybody = false)
    {
        if (peers.Find(identity.Address) is { } known)
        {
            // Another thread has added the peer in the meantime.
            keys.Dispose();
            return known.Identity.Equals(identity) ? known : null;
        }

        if (control.IsDisposed || (peers.IsFull && !MakeRoom(now, mayEvictAnybody)))
        {
            control.Drops.Add(DropReason.TableFull);
            keys.Dispose();
            return null;
        }

        var peer = new Peer(identity, keys) { Created = now };
        peers.Add(peer);
        whois.Remove(peer.Id);
        if (!control.IsStarted)
        {
            return peer;
        }

        Vl1Log.PeerAdded(log, peer.Id);
        router.Reroute(peer, now);
        control.Notify(peer, PeerChange.Added);
        natTraversal.OnPeerAdded(peer, now);
        sendQueue.Flush(peer.Id);
        control.Tell(new Outbox.Notice(NoticeKind.IdentityArrived, peer));
        return peer;
    }

    /// <summary>Whether the peer cache has this identity. Takes the lock.</summary>
    public bool IsCached(NodeIdentity identity)
    {
        lock (control.Lock)
        {
            return peers.TryFindCached(identity.Address, out var known) && known.Identity.Equals(identity);
        }
    }

    /// <summary>Removes a peer; its identity and endpoints stay in the cache.</summary>
    public void Forget(Peer peer)
    {
        peers.Remove(peer);
        Vl1Log.PeerRemoved(log, peer.Id);
        control.Notify(peer, PeerChange.Removed);
    }

    /// <summary>A peer in memory, or one restored from the peer cache, to whose cached endpoints HELLO is then sent.</summary>
    public Peer? FindOrRestore(NodeId id)
    {
        if (peers.Find(id) is { } known)
        {
            known.IsWanted = true;
            return known;
        }

        if (RestoreFromCache(id) is not { } restored)
        {
            return null;
        }

        restored.IsWanted = true;
        if (control.IsRunning)
        {
            SendHelloToFormerEndPoints(restored, control.Now);
        }

        return restored;
    }

    /// <summary>
    /// As <see cref="FindOrRestore"/>, but because of an unauthenticated packet: anybody who knows a cached peer's address can cause a key
    /// agreement and probes, so both are limited. Takes the lock.
    /// </summary>
    public Peer? RestoreForStranger(NodeId id, in InetEndPoint source, int bytes)
    {
        using (control.Enter())
        {
            if (peers.Find(id) is { } peer)
            {
                return peer;
            }

            if (!peers.MayRestoreForStranger(id, control.Now, out var known))
            {
                return null;
            }

            peer = RestoreFromCache(id);
            if (peer is not null)
            {
                int room = Vl1Limits.Amplification * bytes;
                foreach (var endPoint in known.EndPoints)
                {
                    // The packet's source is probed only once the packet has been authenticated.
                    if (control.IsRunning && endPoint != source && rules.CanUse(peer, endPoint))
                    {
                        prober.ProbeFromAll(peer, endPoint, ref room);
                    }
                }
            }

            return peer;
        }
    }

    /// <summary>
    /// Sends HELLO to the cached endpoints of a peer, which may still be valid even if no root knows the peer. Called repeatedly, because a
    /// HELLO may be lost and the peer may start after us; rate-limited here.
    /// </summary>
    public void SendHelloToFormerEndPoints(Peer peer, long now)
    {
        // Never because of an unauthenticated packet: the endpoints may belong to a victim.
        if (!peer.IsWanted || now - peer.LastFormerHello < Vl1Timing.FormerHello)
        {
            return;
        }

        peer.LastFormerHello = now;
        foreach (var endPoint in peer.FormerEndPoints)
        {
            if (rules.CanUse(peer, endPoint))
            {
                helloSender.SendFromAll(peer, endPoint);
            }
        }
    }

    /// <summary>
    /// Called at the start: sends HELLO to the peers in the cache, which may still send to the endpoint of our previous run. Takes the
    /// lock.
    /// </summary>
    public void SendHelloToCachedPeers()
    {
        using (control.Enter())
        {
            NodeId[] recent = [.. peers.Cached.Where(known => known.EndPoints.Count > 0)
                .Take(Vl1Limits.HellosAtStart)
                .Select(known => known.Identity.Address)];
            foreach (var id in recent)
            {
                FindOrRestore(id);
            }
        }
    }

    private bool MakeRoom(long now, bool anybody)
    {
        var silent = peers.FindMostSilent();
        if (silent is null || (!anybody && now - silent.LastSign < Vl1Timing.EvictableAfter))
        {
            return false;
        }

        Forget(silent);
        return true;
    }

    // Moves a peer from the cache to the table. Sends nothing.
    private Peer? RestoreFromCache(NodeId id)
    {
        if (!peers.TakeCached(id, out var known) || SessionKeys.Agree(control.Identity, known.Identity) is not { } keys)
        {
            return null;
        }

        long now = control.Now;
        var peer = Add(known.Identity, keys, now);
        if (peer is null)
        {
            // The table is full: keep the cached entry.
            peers.Cache(known);
        }
        else
        {
            peer.Version = known.Version;
            peer.FormerEndPoints = known.EndPoints;
            router.Reroute(peer, now);
        }

        return peer;
    }
}
