using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>Selects the route to a peer: its direct path, or a root (docs/protocol/2-vl1.md 2.12).</summary>
internal sealed class Router(ControlPlane control, PeerTable peers, Upstreams upstreams, ILogger log)
{
    /// <summary>
    /// The route to a peer: its direct path, else the best root, else a silent direct path. Lock-free, except for the first packet through
    /// a root.
    /// </summary>
    public bool TryFindWay(Peer peer, [NotNullWhen(true)] out PeerPath? path, [NotNullWhen(true)] out PathMtu? mtu)
    {
        var route = peer.Route;
        path = route.Path;
        if (path is null && upstreams.RelayFor(peer) is { } root)
        {
            peer.LastRelayedSend = control.Now;
            path = root;
            mtu = MtuThrough(root, peer);
            return true;
        }

        path ??= route.Fallback;
        mtu = path?.Mtu;
        return path is not null;
    }

    /// <summary>The path MTU state of the current route to a node; null when there is no route. Lock-free.</summary>
    public PathMtu? FindMtu(NodeId id)
    {
        if (peers.Find(id) is not { } peer)
        {
            return null;
        }

        var route = peer.Route;
        return route.Path is { } direct ? direct.Mtu
            : upstreams.RelayFor(peer) is not { } root ? route.Fallback?.Mtu
            : peer.Relayed is { } relayed && ReferenceEquals(relayed.Root, root) ? relayed.Mtu
            : null;
    }

    /// <summary>
    /// Selects the route to a peer again, and raises a notification when it changes between direct and relayed. Under the lock.
    /// </summary>
    public void Reroute(Peer peer, long now)
    {
        var best = peer.BestPath(now);

        // A silent direct path is replaced by a root if one is alive; ZeroTierOne 1.12 keeps using it for up to 243 s.
        bool direct = best is not null && (best.IsAlive(now) || peer.IsUpstream || !upstreams.RelayIsAlive(now));
        var path = direct ? best : null;
        var former = peer.Route;
        if (former.Suite == peer.Suite && ReferenceEquals(former.Path, path) && ReferenceEquals(former.Fallback, best))
        {
            return;
        }

        var route = new PeerRoute(peer.Suite, path, best);
        peer.Route = route;
        if (former.Path is null != route.Path is null)
        {
            if (route.Path is null)
            {
                Vl1Log.Relayed(log, peer.Id);
            }

            control.Notify(peer, route.Path is null ? PeerChange.Relayed : PeerChange.Direct);
        }

        upstreams.OnRerouted(peer, best);
    }

    /// <summary>Sends a packet of the control plane by the peer's route; false when there is none. Under the lock.</summary>
    public bool Emit(Peer peer, Verb verb, ReadOnlySpan<byte> payload)
    {
        if (peer.IsForgotten || !TryFindWay(peer, out var path, out var mtu))
        {
            return false;
        }

        path.LastSent = control.Now;
        control.Emit(peer.Keys, peer.Id, verb, payload, peer.Suite, path.Socket, path.EndPoint, mtu.Size);
        return true;
    }

    private PathMtu MtuThrough(PeerPath root, Peer peer)
    {
        if (peer.Relayed is { } known && ReferenceEquals(known.Root, root))
        {
            return known.Mtu;
        }

        lock (control.Lock)
        {
            if (peer.Relayed is not { } relayed || !ReferenceEquals(relayed.Root, root))
            {
                peer.Relayed = relayed = new RelayedWay(root, new PathMtu());
            }

            return relayed.Mtu;
        }
    }
}
