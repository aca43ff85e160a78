using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>Learns and drops direct paths of peers (docs/protocol/2-vl1.md 2.13). Under the control lock.</summary>
internal sealed class PathTable(
    ControlPlane control,
    PathRules rules,
    TrustedPaths trusted,
    Prober prober,
    AmplificationLimits amplification,
    Router router,
    SendQueue sendQueue,
    ILogger log)
{
    /// <summary>
    /// Handles a new source endpoint of authenticated packets. Only a reply validates it and makes it a path; any other packet triggers at
    /// most one probe per second (2.13.2).
    /// </summary>
    public void Learn(Peer peer, in PacketInfo info, Verb verb, long now)
    {
        int replace = -1;
        PeerPath? rival = null;
        for (int i = 0; i < peer.Paths.Length; i++)
        {
            var other = peer.Paths[i];
            if (other.Socket != info.Socket || !other.EndPoint.HasSameAddress(info.Source))
            {
                continue;
            }

            // Another port of the same address: either the peer has a second socket, or it has restarted. Ordinary packets do not replace
            // an alive path, or two ports would replace each other forever; HELLO and OK may, or a restarted peer could not be reached
            // for 19 s.
            if (other.IsAlive(now))
            {
                if (verb is not (Verb.Hello or Verb.Ok))
                {
                    return;
                }

                rival = other;
                continue;
            }

            replace = i;
        }

        if (!rules.CanUse(peer, info.Source))
        {
            return;
        }

        if (verb != Verb.Ok)
        {
            amplification.Confirm(peer, info, now);
            return;
        }

        var path = new PeerPath(info.Socket, info.Source, now, control.IsUdp(info.Socket) ? trusted.IdFor(info.Source) : 0);
        var paths = peer.Paths;
        if (replace < 0 && paths.Length >= Vl1Limits.PathsPerPeer)
        {
            replace = Array.IndexOf(paths, paths.MinBy(p => p.LastReceived));
        }

        peer.Paths = replace < 0 ? [.. paths, path] : [.. paths[..replace], path, .. paths[(replace + 1)..]];
        Vl1Log.PathLearnt(log, peer.Id, path.EndPoint, path.Socket);
        if (paths.Length > 0)
        {
            control.Notify(peer, PeerChange.PathAdded);
        }

        foreach (var other in paths)
        {
            // The new endpoint has just answered. The old paths are probed and not used until they answer: after a move from a fast network
            // to a slow one, the dead path would otherwise be preferred for 19 s.
            if (Array.IndexOf(peer.Paths, other) >= 0 && (ReferenceEquals(other, rival) || now - other.LastReceived >= Vl1Timing.PathProbe))
            {
                other.NeedsValidation = true;
                prober.Probe(peer, other.Socket, other.EndPoint);
            }
        }

        router.Reroute(peer, now);
        sendQueue.Flush(peer.Id);
    }

    /// <summary>Drops the paths on which nothing was received for <see cref="Vl1Timing.PathExpiry"/>.</summary>
    public void DropExpired(Peer peer, long now) => Drop(peer, path => path.IsExpired(now), now);

    /// <summary>Drops paths of a peer.</summary>
    public void Drop(Peer peer, Predicate<PeerPath> isGone, long now)
    {
        var paths = peer.Paths;
        if (!Array.Exists(paths, isGone))
        {
            return;
        }

        peer.Paths = Array.FindAll(paths, path => !isGone(path));
        foreach (var path in paths)
        {
            if (isGone(path))
            {
                Vl1Log.PathDropped(log, peer.Id, path.EndPoint);
            }
        }

        if (peer.Paths.Length > 0)
        {
            control.Notify(peer, PeerChange.PathRemoved);
        }
        else
        {
            peer.FormerEndPoints = Peer.EndPointsOf(paths);
        }

        router.Reroute(peer, now);
    }
}
