using ZeroTier.Managed.Vl1.Reachability;

namespace ZeroTier.Managed.Vl1.Roots;

/// <summary>HELLO and keepalives to the roots (docs/protocol/2-vl1.md 2.9, 2.10). Under the control lock.</summary>
internal sealed class RootContact(
    Upstreams upstreams, PathRules rules, HelloSender helloSender, Prober prober, PathTable pathTable)
{
    /// <summary>Sends HELLO to every root.</summary>
    public void SendHelloToAll(long now)
    {
        foreach (var root in upstreams.All)
        {
            SendHello(root, now);
        }
    }

    /// <summary>Sends every root the HELLO or keepalive that is due.</summary>
    public void KeepRoots(long now)
    {
        foreach (var root in upstreams.All)
        {
            KeepRoot(root, now);
        }
    }

    /// <summary>Sends HELLO to all endpoints of a root.</summary>
    public void SendHello(Peer root, long now)
    {
        root.LastFullHello = now;
        bool sent = false;
        foreach (var endPoint in root.RootEndPoints)
        {
            if (rules.CanUse(root, endPoint))
            {
                helloSender.SendFromAll(root, endPoint);
                sent = true;
            }
        }

        foreach (var path in root.Paths)
        {
            if (!root.RootEndPoints.Contains(path.EndPoint))
            {
                helloSender.Send(root, path.Socket, path.EndPoint);
                sent = true;
            }
        }

        if (!sent && upstreams.Relay is { } relay && !ReferenceEquals(root, upstreams.Best))
        {
            helloSender.Send(root, relay.Socket, relay.EndPoint);
        }
    }

    // Sends HELLO to a root until it answers, then an ECHO every 5 s (best root) or 15 s (others) as keepalive. ZeroTierOne 1.12 instead
    // sends the best root a WHOIS for each root; an ECHO reaches every root itself. A root on loopback is a process of the user, which may
    // be restarted at any moment and then knows no peers. Probes are cheap there: one is sent at each tick, and the first unanswered one
    // triggers a HELLO, which a root handles even if it does not know us.
    private void KeepRoot(Peer root, long now)
    {
        pathTable.DropExpired(root, now);
        var path = root.BestPath(now);
        bool silent = rules.LoopbackOnly ? root.LastKeepalive > root.LastReceived : root.IsUnresponsive;
        if (path is null || silent || now - root.LastFullHello >= Vl1Timing.FullPing)
        {
            // Two unanswered keepalives: all endpoints of the root are sent HELLO every 5 s (2.10.4).
            SendHello(root, now);
            NoteKeepalive(root, now);
            return;
        }

        bool best = ReferenceEquals(root, upstreams.Best);
        if (best || now - path.LastSent >= Vl1Timing.Heartbeat || now - path.LastReceived >= Vl1Timing.Heartbeat)
        {
            NoteKeepalive(root, now);
            prober.Probe(root, path.Socket, path.EndPoint);
        }

        foreach (var other in root.Paths)
        {
            if (!ReferenceEquals(other, path) && now - other.LastSent >= Vl1Timing.Heartbeat)
            {
                prober.Probe(root, other.Socket, other.EndPoint);
            }
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
}
