using System.Buffers;
using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1;

/// <content>
/// The peer table and the peer cache, look-ups, and sending from the control plane. All under the control lock, except <see cref="Enqueue"/>.
/// </content>
internal sealed partial class Vl1Node
{
    // Adds an identity that was verified, or vouched for by a root. A full table evicts the leaf that was silent longest; null when none was silent long
    // enough.
    private Peer? AddPeer(NodeIdentity identity, SessionKeys keys, long now, bool mayEvictAnybody = false)
    {
        if (FindPeer(identity.Address) is { } known)
        {
            // Another thread has added the peer meanwhile.
            keys.Dispose();
            return known.Identity.Equals(identity) ? known : null;
        }

        if (_control.IsDisposed || (_peers.IsFull && !MakeRoom(now, mayEvictAnybody)))
        {
            Drops.Add(DropReason.TableFull);
            keys.Dispose();
            return null;
        }

        var peer = new Peer(identity, keys) { Created = now };
        _peers.Add(peer);
        _whois.Remove(peer.Id);
        if (!_control.IsStarted)
        {
            return peer;
        }

        Vl1Log.PeerAdded(_log, peer.Id);
        Reroute(peer, now);
        _control.Notify(peer, PeerChange.Added);
        if (_pendingIntroductions.Remove(peer.Id, out var introduction))
        {
            ActOnIntroduction(peer, introduction.EndPoint, introduction.Socket, now);
        }

        FlushQueue(peer.Id);
        _control.Tell(new Outbox.Notice(NoticeKind.IdentityArrived, peer));
        return peer;
    }

    private bool MakeRoom(long now, bool anybody)
    {
        var silent = _peers.FindMostSilent();
        if (silent is null || (!anybody && now - silent.LastSign < Vl1Timing.EvictableAfter))
        {
            return false;
        }

        Forget(silent);
        return true;
    }

    private void Forget(Peer peer)
    {
        _peers.Remove(peer);
        Vl1Log.PeerRemoved(_log, peer.Id);
        _control.Notify(peer, PeerChange.Removed);
    }

    // For unauthenticated packets: naming a cached peer's address is enough to cause a key agreement and probes, so both are rate-limited. Takes the lock.
    private Peer? RestoreForStranger(NodeId id, in InetEndPoint source, int bytes)
    {
        using (_control.Enter())
        {
            if (FindPeer(id) is { } peer)
            {
                return peer;
            }

            if (!_peers.MayRestoreForStranger(id, Now, out var known))
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
                    if (_control.IsRunning && endPoint != source && CanUse(peer, endPoint))
                    {
                        AskFromAll(peer, endPoint, ref room);
                    }
                }
            }

            return peer;
        }
    }

    // A peer in memory, or one restored from the cache; the latter's endpoints are then sent HELLO.
    private Peer? FindOrRestore(NodeId id)
    {
        if (FindPeer(id) is { } known)
        {
            known.IsWanted = true;
            return known;
        }

        if (RestoreFromCache(id) is not { } restored)
        {
            return null;
        }

        restored.IsWanted = true;
        if (_control.IsRunning)
        {
            SendHelloToFormerEndPoints(restored, Now);
        }

        return restored;
    }

    // Moves a peer from the cache to the table. Sends nothing.
    private Peer? RestoreFromCache(NodeId id)
    {
        if (!_peers.TakeCached(id, out var known) || SessionKeys.Agree(Identity, known.Identity) is not { } keys)
        {
            return null;
        }

        long now = Now;
        var peer = AddPeer(known.Identity, keys, now);
        if (peer is null)
        {
            // The table is full: keep the cached entry.
            _peers.Cache(known);
        }
        else
        {
            peer.Version = known.Version;
            peer.FormerEndPoints = known.EndPoints;
            Reroute(peer, now);
        }

        return peer;
    }

    // A peer's former endpoints may still be right although no root can confirm it. Repeated, because a HELLO may be lost and the peer may start after us.
    private void SendHelloToFormerEndPoints(Peer peer, long now)
    {
        // Never because of an unauthenticated packet: the endpoints may belong to a victim.
        if (!peer.IsWanted || now - peer.LastFormerHello < Vl1Timing.FormerHello)
        {
            return;
        }

        peer.LastFormerHello = now;
        foreach (var endPoint in peer.FormerEndPoints)
        {
            if (CanUse(peer, endPoint))
            {
                SendHelloFromAll(peer, endPoint);
            }
        }
    }

    // Peers from before the restart still send to our former endpoint: a HELLO tells them the new one.
    private void SendHelloToCachedPeers()
    {
        using (_control.Enter())
        {
            NodeId[] recent = [.. _peers.Cached.Where(known => known.EndPoints.Count > 0).Take(Vl1Limits.HellosAtStart).Select(known => known.Identity.Address)];
            foreach (var id in recent)
            {
                FindOrRestore(id);
            }
        }
    }

    // A ZeroTierOne 1.12 node that knew us before the start considers our former port alive for 19 s after it last heard it, and ignores other ports of our
    // address meanwhile (docs/protocol/2-vl1.md 2.13.2); after that, unless it hears the new port, it sends to the old one for up to 243 s. So all peers are
    // sent HELLO once more.
    private void RepeatHellos(long now)
    {
        _repeatsHellos = false;
        foreach (var root in _upstreams.All)
        {
            SendHelloToRoot(root, now);
        }

        foreach (var peer in _peers.All.Where(peer => !peer.IsUpstream).OrderByDescending(peer => peer.LastReceived).Take(Vl1Limits.RepeatedHellos))
        {
            foreach (var path in peer.Paths)
            {
                SendHello(peer, path.Socket, path.EndPoint);
            }

            if (peer.Paths.Length == 0)
            {
                SendHelloToFormerEndPoints(peer, now);
            }
        }
    }

    // Sends WHOIS for this address to the best root. False when there is no root or the table of look-ups is full.
    private bool Whois(NodeId id, long now, int questions = WhoisTable.Unlimited)
    {
        // Reserved addresses have no owner, for example the pseudo-controllers of ad-hoc networks (2.23).
        if (id.IsReserved || id == Id || _upstreams.Best is null)
        {
            return false;
        }

        if (_whois.Request(id, now, questions, out bool full))
        {
            SendWhois(id);
        }

        if (full)
        {
            Drops.Add(DropReason.TableFull);
        }

        return !full;
    }

    private void SendWhois(NodeId id)
    {
        if (_upstreams.Best is { } root)
        {
            Span<byte> payload = stackalloc byte[PacketHeader.AddressSize];
            PacketHeader.WriteAddress(payload, id);
            EmitRouted(root, Verb.Whois, payload);
        }
    }

    /// <summary>Keeps a copy of a packet whose destination is not known or not reachable yet. Takes the lock.</summary>
    internal void Enqueue(NodeId destination, Verb verb, ReadOnlySpan<byte> payload)
    {
        if (destination == Id || destination.IsReserved)
        {
            Drops.Add(DropReason.NoRoute);
            return;
        }

        using (_control.Enter())
        {
            long now = Now;
            if (!_control.IsRunning)
            {
                Drops.Add(DropReason.NoRoute);
                return;
            }

            var peer = FindOrRestore(destination);
            if (peer is not null && EmitRouted(peer, verb, payload))
            {
                return;
            }

            if (peer is not null)
            {
                SendHelloToFormerEndPoints(peer, now);
            }
            else if (!Whois(destination, now))
            {
                // The packet also waits while no root is known: at start, the first root answers within the packet's lifetime.
                if (_upstreams.All.Count == 0)
                {
                    Drops.Add(DropReason.NoRoute);
                    return;
                }
            }

            _sendQueue.Add(destination, verb, default, payload, now + Vl1Timing.QueueLifetime);
        }
    }

    // Sends what waited for a node, if it can be reached now.
    private void FlushQueue(NodeId? only)
    {
        if (_sendQueue.Count == 0)
        {
            return;
        }

        var packets = new List<WaitingPacket>();
        _sendQueue.Take(packet => (only is null || packet.Node == only) && FindPeer(packet.Node) is { } peer && TryFindWay(peer, out _, out _), packets);
        foreach (var packet in packets)
        {
            if (FindPeer(packet.Node) is { } peer)
            {
                EmitRouted(peer, packet.Verb, packet.Bytes);
            }

            ArrayPool<byte>.Shared.Return(packet.Buffer);
        }
    }

    private bool EmitRouted(Peer peer, Verb verb, ReadOnlySpan<byte> payload)
    {
        if (peer.IsForgotten || !TryFindWay(peer, out var path, out var mtu))
        {
            return false;
        }

        path.LastSent = Now;
        _control.Emit(peer.Keys, peer.Id, verb, payload, peer.Suite, path.Socket, path.EndPoint, mtu.Size);
        return true;
    }
}
