using System.Net.Sockets;

namespace ZeroTier.Managed.Vl1;

/// <content>Learning, selecting and probing paths, and announcing our own (docs/protocol/2-vl1.md 2.12, 2.13).</content>
internal sealed partial class Vl1Node
{
    private const int NatOpenerSize = 4;
    private const int NatOpenerHops = 2;

    // After every authenticated packet (2.12.1). Takes no lock when the path is known and nothing is due.
    private void Received(Peer peer, in PacketInfo info, Verb verb, bool trusted)
    {
        long now = Now;
        bool afterSilence = now - peer.LastReceived >= Vl1Timing.Silence;
        peer.LastReceived = now;
        if (verb is Verb.Frame or Verb.ExtFrame or Verb.MulticastFrame or Verb.NetworkConfig or Verb.NetworkConfigRequest)
        {
            peer.LastNontrivial = now;
        }

        if (trusted)
        {
            peer.LastTrust = now;
        }

        bool control = IsPushDue(peer, info, now);
        PeerPath? path = null;
        if (info.Hops == 0)
        {
            path = peer.FindPath(info.Socket, info.Source);
            if (path is not null)
            {
                control |= !path.IsAlive(now);
                path.LastReceived = now;
            }
            else
            {
                control = true;
            }
        }
        else
        {
            control |= !peer.Version.IsKnown;
        }

        if (control)
        {
            ReceivedControl(peer, info, verb, path, now);
        }

        // Last, because what this triggers is sent over the path that this packet may just have established.
        if (afterSilence)
        {
            _client.OnPeerHeard(peer);
        }
    }

    private void ReceivedControl(Peer peer, in PacketInfo info, Verb verb, PeerPath? path, long now)
    {
        using (_control.Enter())
        {
            if (peer.IsForgotten)
            {
                return;
            }

            if (path is not null)
            {
                path.NeedsValidation = false;
                Reroute(peer, now);
            }
            else if (info.Hops == 0)
            {
                Learn(peer, info, verb, now);
            }
            else if (!peer.Version.IsKnown)
            {
                SendHelloThroughRoot(peer, now, forItsPacket: true);
            }

            if (IsPushDue(peer, info, now))
            {
                Push(peer, info, now);
            }
        }
    }

    // The peer used a root although we have a direct path that was not heard just now: it may have restarted or moved. We use the root too until its paths
    // answer; otherwise what we send could be lost for the 19 s after which a path counts as silent. Done before the packet is dispatched, because handlers
    // send answers.
    private void RevalidatePaths(Peer peer)
    {
        long now = Now;
        if (peer.IsUpstream || peer.Route.Path is not { } inUse
            || now - inUse.LastReceived <= Vl1Timing.PathFresh || now - peer.LastRevalidation < Vl1Timing.RevalidationInterval)
        {
            return;
        }

        using var _ = _control.Enter();
        peer.LastRevalidation = now;
        foreach (var path in peer.Paths)
        {
            path.NeedsValidation = true;
            Probe(peer, path.Socket, path.EndPoint);
        }

        Reroute(peer, now);
    }

    // 2.13.2: only a reply validates a new endpoint; any other packet triggers at most one HELLO per second.
    private void Learn(Peer peer, in PacketInfo info, Verb verb, long now)
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

            // Another port of the same address: either a second socket of the peer, or the peer has restarted. Ordinary packets do not replace a live path, or
            // two ports would replace each other forever; a HELLO may, or a restarted peer could not be reached for 19 s.
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

        if (!CanUse(peer, info.Source))
        {
            return;
        }

        if (verb != Verb.Ok)
        {
            Confirm(peer, info, now);
            return;
        }

        var path = new PeerPath(info.Socket, info.Source, now, _trusted.IdFor(info.Source));
        var paths = peer.Paths;
        if (replace < 0 && paths.Length >= Vl1Limits.PathsPerPeer)
        {
            replace = Array.IndexOf(paths, paths.MinBy(p => p.LastReceived));
        }

        peer.Paths = replace < 0 ? [.. paths, path] : [.. paths[..replace], path, .. paths[(replace + 1)..]];
        Vl1Log.PathLearnt(_log, peer.Id, path.EndPoint, path.Socket);
        if (paths.Length > 0)
        {
            _control.Notify(peer, PeerChange.PathAdded);
        }

        foreach (var other in paths)
        {
            // The new endpoint has just answered. The old paths are probed and not used until they answer: after a move from a fast network to a slow one, the
            // dead path would otherwise be preferred for 19 s.
            if (Array.IndexOf(peer.Paths, other) >= 0 && (ReferenceEquals(other, rival) || now - other.LastReceived >= Vl1Timing.PathProbe))
            {
                other.NeedsValidation = true;
                Probe(peer, other.Socket, other.EndPoint);
            }
        }

        Reroute(peer, now);
        FlushQueue(peer.Id);
    }

    /// <summary>Selects the route to a peer again, and raises a notification when it changes between direct and relayed. Under the lock.</summary>
    private void Reroute(Peer peer, long now)
    {
        var best = peer.BestPath(now);

        // A silent direct path is replaced by a root if one is alive; ZeroTierOne 1.12 keeps using it for up to 243 s.
        bool direct = best is not null && (best.IsAlive(now) || peer.IsUpstream || !_upstreams.RelayIsAlive(now));
        var route = new PeerRoute(peer.Suite, direct ? best : null, best);
        var former = peer.Route;
        if (route == former)
        {
            return;
        }

        peer.Route = route;
        if (former.Path is null != route.Path is null)
        {
            if (route.Path is null)
            {
                Vl1Log.Relayed(_log, peer.Id);
            }

            _control.Notify(peer, route.Path is null ? PeerChange.Relayed : PeerChange.Direct);
        }

        _upstreams.OnRerouted(peer, best);
    }

    // 2.13.1.
    private bool CanUse(Peer peer, in InetEndPoint endPoint)
    {
        if (endPoint.Port == 0 || !IsUsable(endPoint))
        {
            return false;
        }

        if (peer.RootEndPoints.Count == 0)
        {
            return !_client.IsVirtualAddress(endPoint);
        }

        // Whoever signed the planet or moon means a physical address, also where a virtual network has the same range.
        foreach (var listed in peer.RootEndPoints)
        {
            if (listed.HasSameAddress(endPoint))
            {
                return true;
            }
        }

        return false;
    }

    // A loopback planet never leaves the machine; any other never uses loopback or link-local addresses. Nothing is sent to a blocked network, nor taken from it.
    private bool IsUsable(in InetEndPoint endPoint) =>
        (_loopbackOnly ? endPoint.IsLoopback : IpScopes.IsUsableForPath(endPoint)) && !_blocked.Contains(endPoint);

    /// <summary>Probes an endpoint of a peer: with ECHO if its version answers that, else with HELLO. A negative socket means all sockets.</summary>
    private void Probe(Peer peer, int socket, in InetEndPoint endPoint)
    {
        if (socket >= 0)
        {
            if (peer.Version.AnswersEcho)
            {
                _control.Emit(peer, Verb.Echo, EchoPadding, peer.Suite, socket, endPoint);
            }
            else
            {
                SendHello(peer, socket, endPoint);
            }

            return;
        }

        for (int i = 0; i < _control.Sockets.Count; i++)
        {
            if (_control.Sockets[i].Family == endPoint.Family)
            {
                Probe(peer, i, endPoint);
            }
        }
    }

    /// <summary>Sends HELLO to an endpoint from one socket.</summary>
    private void SendHello(Peer peer, int socket, in InetEndPoint endPoint)
    {
        // Only roots and seeds hand out moons, and only they are told which ones we use.
        WorldVersion[] moons = peer.IsUpstream || _worlds.IsSeed(peer.Id) ? _worlds.Announced : [];
        Span<byte> payload = stackalloc byte[HelloMessage.MaxSize];
        payload = payload[..WriteHello(payload, endPoint, moons)];
        if (peer.IsForgotten)
        {
            return;
        }

        if (peer.FindPath(socket, endPoint) is { } path)
        {
            path.LastSent = Now;
        }

        int tail = HelloMessage.TailSizeFor(moons.Length);
        _control.Emit(peer.Keys, peer.Id, Verb.Hello, payload, CipherSuite.Poly1305, socket, endPoint, PathMtu.Base, tail);
    }

    private int WriteHello(Span<byte> payload, in InetEndPoint to, ReadOnlySpan<WorldVersion> moons = default) =>
        HelloMessage.Write(payload, (ulong)(_control.StartUnixMilliseconds + Now), Identity, to, _worlds.Planet.World.Version, moons);

    /// <summary>Sends HELLO to an endpoint from all sockets of its family.</summary>
    private void SendHelloFromAll(Peer peer, in InetEndPoint endPoint)
    {
        for (int i = 0; i < _control.Sockets.Count; i++)
        {
            if (_control.Sockets[i].Family == endPoint.Family)
            {
                SendHello(peer, i, endPoint);
            }
        }
    }

    // Without this, relayed pairs would never learn each other's version, and so never use AES (2.23).
    private void SendHelloThroughRoot(Peer peer, long now, bool forItsPacket = false)
    {
        if (!peer.IsUpstream && now - peer.LastRelayedHello >= Vl1Timing.RelayedHello && _upstreams.Relay is { } relay
            && (!forItsPacket || peer.TrySpend(HelloSize(relay.EndPoint))))
        {
            peer.LastRelayedHello = now;
            SendHello(peer, relay.Socket, relay.EndPoint);
        }
    }

    private void HandlePush(Peer peer, ReadOnlySpan<byte> payload)
    {
        using (_control.Enter())
        {
            long now = Now;
            peer.PushesInARow = now - peer.LastPushReceived > Vl1Timing.PushGateReset ? 0 : peer.PushesInARow + 1;
            peer.LastPushReceived = now;
            if (peer.PushesInARow >= Vl1Limits.PushesInARow)
            {
                Drops.Add(DropReason.RateGate);
                return;
            }

            var message = new PushDirectPathsMessage(payload);
            Span<int> tried = stackalloc int[2 * ((int)IpScope.Private + 1)];
            tried.Clear();
            while (message.TryReadNext(out var endPoint))
            {
                ref int count = ref tried[2 * (int)IpScopes.Of(endPoint) + (endPoint.Family == AddressFamily.InterNetwork ? 0 : 1)];
                if (count < Vl1Limits.TriedPerScope && CanUse(peer, endPoint) && !HasLivePath(peer, endPoint, now))
                {
                    count++;
                    peer.UnprovenPlaces.Want(endPoint, now);
                }
            }

            AskWanted(peer, now);

            if (message.IsDamaged)
            {
                Drops.Add(DropReason.Malformed);
            }
        }
    }

    private static bool HasLivePath(Peer peer, InetEndPoint endPoint, long now) =>
        Array.Exists(peer.Paths, path => path.EndPoint == endPoint && path.IsAlive(now));

    private void HandleRendezvous(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (!peer.IsUpstream)
        {
            Drops.Add(DropReason.NotUpstream);
            return;
        }

        if (!RendezvousMessage.TryRead(payload, out var message))
        {
            Drops.Add(DropReason.Malformed);
            return;
        }

        if (message.Peer == Id)
        {
            bool isTwin;
            lock (_control.Lock)
            {
                isTwin = _twins.HearOfPlace(message.EndPoint, Now);
            }

            if (isTwin)
            {
                _client.OnTwin(message.EndPoint);
            }

            return;
        }

        using (_control.Enter())
        {
            long now = Now;
            if (FindOrRestore(message.Peer) is { } other)
            {
                ActOnIntroduction(other, message.EndPoint, info.Socket, now);
            }
            else if (_pendingIntroductions.Count >= Vl1Limits.PendingIntroductions && !_pendingIntroductions.ContainsKey(message.Peer))
            {
                Drops.Add(DropReason.TableFull);
            }
            else if (Whois(message.Peer, now))
            {
                // Kept until the identity arrives. ZeroTierOne 1.12 drops it, and a pair with traffic in one direction then waits 30 s for the next
                // introduction (2.11).
                _pendingIntroductions[message.Peer] = new PendingIntroduction(message.EndPoint, info.Socket, now + Vl1Timing.QueueLifetime);
            }
        }
    }

    // 2.13.6, NAT hole punching: a datagram with a small hop limit creates the mapping in our own NAT and expires before the peer's; then the probe follows.
    private void ActOnIntroduction(Peer peer, in InetEndPoint endPoint, int socket, long now)
    {
        if (!CanUse(peer, endPoint) || HasLivePath(peer, endPoint, now))
        {
            return;
        }

        if (_control.Sockets[socket].Family != endPoint.Family)
        {
            Probe(peer, -1, endPoint);
            return;
        }

        if (endPoint.Family == AddressFamily.InterNetwork && !_loopbackOnly)
        {
            Span<byte> opener = stackalloc byte[NatOpenerSize];
            Random.Fill(opener);
            _control.EmitRaw(socket, endPoint, opener, NatOpenerHops);
        }

        Probe(peer, socket, endPoint);
        OpenNextPorts(peer, endPoint, socket, now);
    }

    // A symmetric translator shows us another port than the root, and many give ports in turn: that of the peer's first packet to us is then one of the next. Our
    // own translator lets it in once something was sent to it. The openers expire on the way, so that whoever is at the address sees none of them.
    private void OpenNextPorts(Peer peer, in InetEndPoint endPoint, int socket, long now)
    {
        if (endPoint.Family != AddressFamily.InterNetwork || _loopbackOnly || now - peer.LastPortGuess < Vl1Timing.PortGuess)
        {
            return;
        }

        peer.LastPortGuess = now;
        Span<byte> openers = stackalloc byte[NatOpenerSize * Vl1Limits.GuessedPorts];
        Random.Fill(openers);
        for (int i = 0; i < Vl1Limits.GuessedPorts && endPoint.Port + i < ushort.MaxValue; i++)
        {
            _control.EmitRaw(socket, endPoint.WithPort((ushort)(endPoint.Port + i + 1)), openers.Slice(i * NatOpenerSize, NatOpenerSize), NatOpenerHops);
        }
    }
}
