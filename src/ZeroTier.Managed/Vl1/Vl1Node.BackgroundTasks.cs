using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1;

/// <content>Periodic tasks, root selection, online and offline (docs/protocol/2-vl1.md 2.9, 2.10).</content>
internal sealed partial class Vl1Node
{
    private readonly List<NodeId> _dueWhois = [];

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A timer callback must not end the process; the failure is logged and counted.")]
    private void OnTick()
    {
        if (!_control.IsRunning)
        {
            return;
        }

        try
        {
            using (_control.Enter())
            {
                RunBackgroundTasks(Now);
            }

            _client.OnTick(Now);
        }
        catch (Exception exception)
        {
            Drops.Add(DropReason.Internal);
            Vl1Log.BackgroundTaskFailed(_log, exception);
        }
    }

    private void RunBackgroundTasks(long now)
    {
        _reassembly.Expire(now);
        _waiting.Expire(now);
        _sendQueue.Expire(now);
        foreach (var (id, introduction) in _pendingIntroductions)
        {
            if (introduction.Expires <= now)
            {
                _pendingIntroductions.Remove(id);
            }
        }

        FollowLocalEndPoints(now);
        _upstreams.Choose(now);
        _admission.Expire();
        foreach (var peer in _peers.All)
        {
            AskWanted(peer, now);
            if (peer.Paths.Length > 0)
            {
                WatchPathInUse(peer, now);
                Reroute(peer, now);
            }
        }

        ContinueProbes(now);
        _dueWhois.Clear();
        _whois.Due(now, _dueWhois);
        foreach (var id in _dueWhois)
        {
            SendWhois(id);
        }

        FlushQueue(null);
        if (_repeatsHellos && now >= Vl1Timing.RepeatHellos)
        {
            RepeatHellos(now);
        }

        bool pingCheck = now - _lastPingCheck >= Vl1Timing.PingCheck;
        if (pingCheck || _loopbackOnly)
        {
            KeepRoots(now);
        }

        if (pingCheck)
        {
            _lastPingCheck = now;
            PingCheck(now);
        }

        if (now - _lastHousekeeping >= Vl1Timing.Housekeeping)
        {
            _lastHousekeeping = now;
            Housekeeping(now);
        }

        SetOnline(IsRoot || _upstreams.AnyHeard(now));
    }

    private void KeepRoots(long now)
    {
        foreach (var root in _upstreams.All)
        {
            KeepRoot(root, now);
        }
    }

    private void PingCheck(long now)
    {
        SeekMoons(now);
        foreach (var id in _anchors)
        {
            if (FindOrRestore(id) is not { } anchor)
            {
                Whois(id, now);
            }
            else if (!KeepPaths(anchor, now) && now - anchor.LastFullHello >= Vl1Timing.AnchorHello)
            {
                anchor.LastFullHello = now;
                SendHelloThroughRoot(anchor, now);
            }
        }

        foreach (var peer in _peers.All)
        {
            if (!peer.IsUpstream && Array.IndexOf(_anchors, peer.Id) < 0)
            {
                KeepLeaf(peer, now);
            }
        }
    }

    // Sends HELLO to a root until it answers, then an ECHO every 5 s (best root) or 15 s (others) as keepalive. ZeroTierOne 1.12 instead sends the best root a
    // WHOIS for each root; an ECHO reaches every root itself. On loopback the root is a process of the user and may be replaced at any moment by one with the
    // same identity that knows no peers. Probes cost nothing there: one is sent at each tick, and the first unanswered one triggers a HELLO, which a root reads
    // even if it does not know us.
    private void KeepRoot(Peer root, long now)
    {
        DropExpiredPaths(root, now);
        var path = root.BestPath(now);
        bool silent = _loopbackOnly ? root.LastKeepalive > root.LastReceived : root.IsUnresponsive;
        if (path is null || silent || now - root.LastFullHello >= Vl1Timing.FullPing)
        {
            // Two unanswered keepalives: all endpoints of the root are sent HELLO every 5 s (2.10.4).
            SendHelloToRoot(root, now);
            NoteKeepalive(root, now);
            return;
        }

        bool best = ReferenceEquals(root, _upstreams.Best);
        if (best || now - path.LastSent >= Vl1Timing.Heartbeat || now - path.LastReceived >= Vl1Timing.Heartbeat)
        {
            NoteKeepalive(root, now);
            Probe(root, path.Socket, path.EndPoint);
        }

        foreach (var other in root.Paths)
        {
            if (!ReferenceEquals(other, path) && now - other.LastSent >= Vl1Timing.Heartbeat)
            {
                Probe(root, other.Socket, other.EndPoint);
            }
        }
    }

    private void SendHelloToRoot(Peer root, long now)
    {
        root.LastFullHello = now;
        bool sent = false;
        foreach (var endPoint in root.RootEndPoints)
        {
            if (CanUse(root, endPoint))
            {
                SendHelloFromAll(root, endPoint);
                sent = true;
            }
        }

        foreach (var path in root.Paths)
        {
            if (!root.RootEndPoints.Contains(path.EndPoint))
            {
                SendHello(root, path.Socket, path.EndPoint);
                sent = true;
            }
        }

        if (!sent && _upstreams.Relay is { } relay && !ReferenceEquals(root, _upstreams.Best))
        {
            SendHello(root, relay.Socket, relay.EndPoint);
        }
    }

    private static void NoteKeepalive(Peer root, long now)
    {
        if (root.LastReceived >= root.LastKeepalive)
        {
            // The last keepalive was answered.
            root.KeepaliveBefore = Vl1Timing.Never;
        }
        else
        {
            root.KeepaliveBefore = root.LastKeepalive;
        }

        root.LastKeepalive = now;
    }

    private void KeepLeaf(Peer peer, long now)
    {
        _rootServer?.TellOtherPlaces(peer, now);
        bool relaying = now - peer.LastRelayedSend < Vl1Timing.PathInUse;
        bool active = now - peer.LastNontrivial < _activity || relaying
            || Array.Exists(peer.Paths, path => now - path.LastUsed < Vl1Timing.PathInUse);
        if (!active)
        {
            DropExpiredPaths(peer, now);
            return;
        }

        if (KeepPaths(peer, now) || !relaying)
        {
            return;
        }

        if (!_upstreams.RelayIsAlive(now))
        {
            SendHelloToFormerEndPoints(peer, now);
        }
        else if (!peer.Version.IsKnown)
        {
            SendHelloThroughRoot(peer, now);
        }
    }

    // 2.9, pingAndKeepalive. False when no path is left.
    private bool KeepPaths(Peer peer, long now)
    {
        DropExpiredPaths(peer, now);
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
                SendHello(peer, path.Socket, path.EndPoint);
            }
            else if (now - path.LastSent >= Vl1Timing.Heartbeat || now - path.LastReceived >= Vl1Timing.ReceiveHeartbeat)
            {
                Probe(peer, path.Socket, path.EndPoint);
            }
        }

        return true;
    }

    // If nothing arrives on the path in use after we sent frames, probe it with ECHO; after two unanswered probes mark it for validation and relay through a
    // root (ZeroTierOne 1.12 keeps using a broken path for up to 243 s). A peer that has gone or moved loses all its paths at once, so the second probe goes to
    // all of them.
    private void WatchPathInUse(Peer peer, long now)
    {
        if (peer.IsUpstream || peer.Route.Path is not { } path)
        {
            return;
        }

        if (path.LastReceived >= path.LastProbe)
        {
            path.UnansweredProbes = 0;
        }

        // Heard since the last frame, or no frame for a while: an idle path is not probed.
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
                Probe(peer, other.Socket, other.EndPoint);
            }
        }
    }

    private void DropExpiredPaths(Peer peer, long now) => DropPaths(peer, path => path.IsExpired(now), now);

    private void DropPaths(Peer peer, Predicate<PeerPath> isGone, long now)
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
                Vl1Log.PathDropped(_log, peer.Id, path.EndPoint);
            }
        }

        if (peer.Paths.Length > 0)
        {
            _control.Notify(peer, PeerChange.PathRemoved);
        }
        else
        {
            peer.FormerEndPoints = Peer.EndPointsOf(paths);
        }

        Reroute(peer, now);
    }

    private void Housekeeping(long now)
    {
        _peers.DisposeRetiredKeys();
        for (int i = _peers.All.Count - 1; i >= 0; i--)
        {
            var peer = _peers.All[i];
            if (!peer.IsUpstream && now - peer.LastSign >= _activity && Array.IndexOf(_anchors, peer.Id) < 0)
            {
                Forget(peer);
            }
        }

        _externalAddresses.Expire(now);
        _rootServer?.Expire(now);
    }

    private void SetOnline(bool online)
    {
        if (_isOnline == online)
        {
            return;
        }

        _isOnline = online;
        _control.Tell(new Outbox.Notice(online ? NoticeKind.Online : NoticeKind.Offline));
        if (online)
        {
            Vl1Log.Online(_log, Id);
            FlushQueue(null);
        }
        else
        {
            Vl1Log.Offline(_log, Id, _offlineAfter);
        }
    }
}
