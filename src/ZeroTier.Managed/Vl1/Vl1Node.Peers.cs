using System.Buffers;
using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1;

/// <content>Peers coming and going, look-ups, and sending from the control plane. All under the control lock, but for <see cref="Enqueue"/>.</content>
internal sealed partial class Vl1Node
{
    // Adds an identity that was verified or vouched for. When the table is full the leaf that was silent longest makes room; null when none was silent for
    // long.
    private Peer? AddPeer(NodeIdentity identity, SessionKeys keys, long now, bool mayEvictAnybody = false)
    {
        if (FindPeer(identity.Address) is { } known)
        {
            // Another thread was faster.
            keys.Dispose();
            return known.Identity.Equals(identity) ? known : null;
        }

        if (_state == Disposed || (_peerList.Count >= Vl1Limits.Peers && !MakeRoom(now, mayEvictAnybody)))
        {
            Drops.Add(DropReason.TableFull);
            keys.Dispose();
            return null;
        }

        var peer = new Peer(identity, keys) { Created = now };
        _peers[identity.Address.Value] = peer;
        _peerList.Add(peer);
        _peerCache.Remove(peer.Id);
        _whois.Remove(peer.Id);
        if (_state == Created)
        {
            return peer;
        }

        Vl1Log.PeerAdded(_log, peer.Id);
        Reroute(peer, now);
        Notify(peer, PeerChange.Added);
        if (_pendingIntroductions.Remove(peer.Id, out var introduction))
        {
            ActOnIntroduction(peer, introduction.EndPoint, introduction.Socket, now);
        }

        FlushQueue(peer.Id);
        _outbox.Add(new Outbox.Notice(NoticeKind.IdentityArrived, peer));
        return peer;
    }

    private bool MakeRoom(long now, bool anybody)
    {
        Peer? silent = null;
        foreach (var peer in _peerList)
        {
            if (!peer.IsUpstream && (silent is null || LastSign(peer) < LastSign(silent)))
            {
                silent = peer;
            }
        }

        if (silent is null || (!anybody && now - LastSign(silent) < Vl1Timing.EvictableAfter))
        {
            return false;
        }

        Forget(silent);
        return true;
    }

    private static long LastSign(Peer peer) => Math.Max(peer.LastReceived, peer.Created);

    // Forgets a peer; its identity and addresses are remembered for later.
    private void Forget(Peer peer)
    {
        peer.IsForgotten = true;
        _peers.TryRemove(peer.Id.Value, out _);
        _peerList.Remove(peer);
        if (_peerCache.Count < Vl1Limits.CachedPeers)
        {
            _peerCache[peer.Id] = ToKnownPeer(peer);
        }

        // A data-plane thread may be using the keys at this moment: they are overwritten at the next housekeeping.
        _retiredKeys.Add(peer.Keys);
        Vl1Log.PeerRemoved(_log, peer.Id);
        Notify(peer, PeerChange.Removed);
    }

    // For packets that anybody can send: an address of a remembered peer is all that it takes to cost a key agreement and questions, so both have a budget.
    // Takes the lock.
    private Peer? RestoreForStranger(NodeId id, in InetEndPoint source, int bytes)
    {
        using (Enter())
        {
            if (FindPeer(id) is { } peer)
            {
                return peer;
            }

            if (!_peerCache.TryGetValue(id, out var known) || !_cacheRestores.TryTake(Vl1Limits.CacheRestores, Now))
            {
                return null;
            }

            peer = RestoreFromCache(id);
            if (peer is not null)
            {
                int room = Vl1Limits.Amplification * bytes;
                foreach (var endPoint in known.EndPoints)
                {
                    // Where the packet came from is asked once it has proven to be authentic.
                    if (_state == Running && endPoint != source && CanUse(peer, endPoint))
                    {
                        AskFromAll(peer, endPoint, ref room);
                    }
                }
            }

            return peer;
        }
    }

    // A peer in memory, or one remembered from earlier: then its addresses are greeted.
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
        if (_state == Running)
        {
            SendHelloToFormerEndPoints(restored, Now);
        }

        return restored;
    }

    // Makes a remembered peer one in memory. Nothing is sent to it.
    private Peer? RestoreFromCache(NodeId id)
    {
        if (!_peerCache.Remove(id, out var known) || SessionKeys.Agree(Identity, known.Identity) is not { } keys)
        {
            return null;
        }

        long now = Now;
        var peer = AddPeer(known.Identity, keys, now);
        if (peer is null)
        {
            // No room now; that is no reason to forget.
            _peerCache[id] = known;
        }
        else
        {
            peer.Version = known.Version;
            peer.FormerEndPoints = known.EndPoints;
            Reroute(peer, now);
        }

        return peer;
    }

    // The places where a peer was may still be right although no root can say so; a greeting may be lost, and the peer may start after us.
    private void SendHelloToFormerEndPoints(Peer peer, long now)
    {
        // Somebody else's packet is no reason to send anything to a place that may not be its sender's.
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

    // Peers that talked to us before the restart still send to where we were: a HELLO from here tells them where we are.
    private void SendHelloToCachedPeers()
    {
        using (Enter())
        {
            NodeId[] recent = [.. _peerCache.Values.Where(known => known.EndPoints.Count > 0).Take(Vl1Limits.HellosAtStart).Select(known => known.Identity.Address)];
            foreach (var id in recent)
            {
                FindOrRestore(id);
            }
        }
    }

    // A ZeroTierOne 1.12 node that knew us before the start takes our former port for alive for 19 s after it last heard it, and looks at no other port of our
    // address meanwhile (docs/protocol/2-vl1.md 2.13.2); then, unless we are heard from the new one, it goes on sending to the old for 243 s. So everybody is
    // greeted once more.
    private void RepeatHellos(long now)
    {
        _greetsAgain = false;
        foreach (var root in _upstreams)
        {
            SendHelloToRoot(root, now);
        }

        foreach (var peer in _peerList.Where(peer => !peer.IsUpstream).OrderByDescending(peer => peer.LastReceived).Take(Vl1Limits.RepeatedHellos))
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

    // Asks the best root who has this address. False when nobody could answer or too many are looked for.
    private bool Whois(NodeId id, long now, int questions = WhoisTable.Unlimited)
    {
        // Reserved addresses belong to nobody: the pseudo-controllers of ad-hoc networks, for one (2.23).
        if (id.IsReserved || id == Id || _bestUpstream is null)
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
        if (_bestUpstream is { } root)
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

        using (Enter())
        {
            long now = Now;
            if (_state != Running)
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
                // Without a root yet the packet waits as well: at start the first one answers within its life.
                if (_upstreams.Count == 0)
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
        Emit(peer.Keys, peer.Id, verb, payload, SuiteOf(peer), path.Socket, path.EndPoint, mtu.Size);
        return true;
    }

    private bool EmitOk(Peer peer, in PacketInfo request, Verb requestVerb, ReadOnlySpan<byte> data)
    {
        var payload = _payload.AsSpan(0, Math.Min(_payload.Length, ReplyHeaderSize + data.Length));
        payload[0] = (byte)requestVerb;
        BinaryPrimitives.WriteUInt64BigEndian(payload[1..], request.PacketId);
        data[..(payload.Length - ReplyHeaderSize)].CopyTo(payload[ReplyHeaderSize..]);
        return EmitAnswer(peer, request, Verb.Ok, payload);
    }

    private void EmitError(Peer peer, in PacketInfo request, Verb requestVerb, ErrorCode code, ReadOnlySpan<byte> data)
    {
        var payload = _payload.AsSpan(0, Math.Min(_payload.Length, ReplyHeaderSize + 1 + data.Length));
        payload[0] = (byte)requestVerb;
        BinaryPrimitives.WriteUInt64BigEndian(payload[1..], request.PacketId);
        payload[ReplyHeaderSize] = (byte)code;
        data[..(payload.Length - ReplyHeaderSize - 1)].CopyTo(payload[(ReplyHeaderSize + 1)..]);
        EmitAnswer(peer, request, Verb.Error, payload);
    }

    private void Emit(Peer peer, Verb verb, ReadOnlySpan<byte> payload, CipherSuite suite, int socket, in InetEndPoint destination)
    {
        if (peer.IsForgotten)
        {
            return;
        }

        // A place that is no path, or that of a root, gets the size that always passes.
        int mtu = PathMtu.Base;
        if (peer.FindPath(socket, destination) is { } path)
        {
            path.LastSent = Now;
            mtu = path.Mtu.Size;
        }

        Emit(peer.Keys, peer.Id, verb, payload, suite, socket, destination, mtu);
    }

    // Sends with an ID of its own, and expects the answer. Returns the ID on the wire.
    private ulong Emit(
        SessionKeys keys, NodeId to, Verb verb, ReadOnlySpan<byte> payload, CipherSuite suite, int socket, in InetEndPoint destination, int mtu, int helloTail = Messages.HelloMessage.TailSize)
    {
        if (_state == Disposed)
        {
            return 0;
        }

        Span<byte> id = stackalloc byte[8];
        Random.Fill(id);
        ulong onTheWire = EmitWithId(id, keys, to, verb, payload, suite, socket, destination, mtu, helloTail);
        if (ExpectedReplies.IsAnswered(verb, payload))
        {
            ExpectedReplies.Add(onTheWire, to);
        }

        return onTheWire;
    }

    // Builds, arms, cuts and puts into the outbox. HELLO is never cut: it may be a probe of the path's size. Returns the ID on the wire.
    private ulong EmitWithId(
        ReadOnlySpan<byte> id,
        SessionKeys keys,
        NodeId to,
        Verb verb,
        ReadOnlySpan<byte> payload,
        CipherSuite suite,
        int socket,
        in InetEndPoint destination,
        int mtu,
        int helloTail = Messages.HelloMessage.TailSize)
    {
        var packet = _scratch.AsSpan(0, PacketHeader.Size + payload.Length);
        payload.CopyTo(packet[PacketHeader.Size..]);
        int size = verb == Verb.Hello ? packet.Length : Fragments.SizeFor(packet.Length, mtu);
        PacketHeader.Write(packet, id, to, Id, verb, packet.Length > size);
        if (verb == Verb.Hello)
        {
            keys.CryptHelloTail(packet, packet.Length - helloTail);
        }

        keys.Arm(packet, suite);
        _outbox.Add(socket, destination, _scratch.AsSpan(0, Fragments.Cut(_scratch, packet.Length, size)), size);
        return PacketHeader.PacketId(packet);
    }

    private static CipherSuite SuiteOf(Peer peer) => peer.Version.SpeaksAes ? CipherSuite.AesGmacSiv : CipherSuite.Salsa20Poly1305;

    private void Notify(Peer peer, PeerChange change) => _outbox.Add(new Outbox.Notice(NoticeKind.PeerChanged, peer, change));
}
