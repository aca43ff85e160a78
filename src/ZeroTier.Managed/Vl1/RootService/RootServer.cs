using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ZeroTier.Managed.Vl1.Lookup;
using ZeroTier.Managed.Vl1.Reachability;

namespace ZeroTier.Managed.Vl1.RootService;

/// <summary>
/// The services of a root: relaying, introductions (docs/protocol/2-vl1.md 2.15) and the multicast directory (2.16). Exists only on a root.
/// Thread-safe.
/// </summary>
internal sealed class RootServer(ControlPlane control, PeerTable peers, Upstreams upstreams, PeerDirectory directory)
{
    private const int LikeSize = 18;
    private const int GatherSize = 23;
    private const int GatherOkHeaderSize = 24;

    private readonly Introductions _introductions = new();
    private readonly MulticastStore _multicast = new();

    /// <summary>Removes old introductions and subscriptions. Under the control lock.</summary>
    public void Expire(long now)
    {
        _introductions.Expire(now);
        _multicast.Expire(now);
    }

    /// <summary>Relays a packet for another node, or the first datagram of a fragmented one.</summary>
    public void RelayHead(NodeId destination, int socket, in InetEndPoint from, Span<byte> datagram)
    {
        int hops = PacketHeader.Hops(datagram);
        var source = PacketHeader.Source(datagram);
        if (source == destination)
        {
            // No node sends to its own address, and a ZeroTierOne 1.12 root to which this packet was forwarded would lock up.
            control.Drops.Add(DropReason.NoRoute);
            return;
        }

        if (!MayRelay(hops) || RelayTarget(destination, source, from, datagram.Length) is not { } target)
        {
            return;
        }

        // The hop count is the only field that changes in transit.
        datagram[PacketHeader.FlagsOffset]++;
        long now = control.LatelyNow;
        Forward(target.Path, from, datagram, now);

        // The source address of a relayed packet is not authenticated: a pair is introduced only if the packet came over a path of that
        // source. If the destination is not known here, the root that knows it introduces the pair; otherwise packets to invented addresses
        // would fill the table.
        if (target.Peer.Id == destination && peers.Find(source) is { } sender && sender.FindPath(socket, from) is not null
            && _introductions.TryBegin(source, destination, now))
        {
            using (control.Enter())
            {
                Introduce(target.Peer, sender, now);
            }
        }
    }

    /// <summary>Relays a fragment for another node.</summary>
    public void RelayFragment(NodeId destination, in InetEndPoint from, Span<byte> datagram)
    {
        int hops = datagram[Fragments.HopsOffset] & PacketHeader.HopsMask;
        if (MayRelay(hops) && RelayTarget(destination, default, from, datagram.Length) is { } target)
        {
            datagram[Fragments.HopsOffset] = (byte)(hops + 1);
            Forward(target.Path, from, datagram, control.LatelyNow);
        }
    }

    private bool MayRelay(int hops)
    {
        if (hops >= PacketHeader.MaxHops)
        {
            control.Drops.Add(DropReason.Hops);
            return false;
        }

        return true;
    }

    // The next hop of a relayed packet: the destination itself, or another root that may know it.
    private (Peer Peer, PeerPath Path)? RelayTarget(NodeId destination, NodeId source, in InetEndPoint from, int length)
    {
        var peer = peers.Find(destination);
        if (peer is null && !destination.IsReserved)
        {
            peer = directory.RestoreForStranger(destination, from, length);
        }

        if (peer?.Route is { } route && (route.Path ?? route.Fallback) is { } direct)
        {
            return (peer, direct);
        }

        if (upstreams.Best is { } root && upstreams.Relay is { } relay && root.Id != source && root.Id != destination)
        {
            return (root, relay);
        }

        control.Drops.Add(DropReason.NoRoute);
        return null;
    }

    private void Forward(PeerPath path, in InetEndPoint from, ReadOnlySpan<byte> datagram, long now)
    {
        if (path.EndPoint == from)
        {
            // Never forward to the sender's own endpoint: two roots could bounce the packet until its hop limit.
            control.Drops.Add(DropReason.NoRoute);
            return;
        }

        path.LastSent = now;
        control.Transmit(path.Socket, path.EndPoint, datagram, datagram.Length);
    }

    // 2.15: chooses paths of the highest scope in which both nodes have one, IPv6 first, and sends each node the other's endpoint.
    private void Introduce(Peer first, Peer second, long now)
    {
        PeerPath? bestFirst = null;
        PeerPath? bestSecond = null;
        foreach (var a in first.Paths)
        {
            foreach (var b in second.Paths)
            {
                if (control.IsUdp(a.Socket) && control.IsUdp(b.Socket)
                    && a.Scope == b.Scope && a.EndPoint.Family == b.EndPoint.Family && !a.IsExpired(now) && !b.IsExpired(now)
                    && (bestFirst is null || Rank(a) > Rank(bestFirst)
                        || (Rank(a) == Rank(bestFirst) && (a.IsBetterThan(bestFirst, now) || b.IsBetterThan(bestSecond!, now)))))
                {
                    bestFirst = a;
                    bestSecond = b;
                }
            }
        }

        if (bestFirst is null || bestSecond is null)
        {
            return;
        }

        if (control.Random.Next(2) == 0)
        {
            (first, second, bestFirst, bestSecond) = (second, first, bestSecond, bestFirst);
        }

        SendIntroduction(first, bestFirst, second.Id, bestSecond.EndPoint);
        SendIntroduction(second, bestSecond, first.Id, bestFirst.EndPoint);

        static int Rank(PeerPath path) => 2 * (int)path.Scope + (path.EndPoint.AddressLength == 16 ? 1 : 0);
    }

    private void SendIntroduction(Peer to, PeerPath path, NodeId other, in InetEndPoint otherEndPoint)
    {
        Span<byte> payload = stackalloc byte[RendezvousMessage.MaxSize];
        int length = new RendezvousMessage(other, otherEndPoint).Write(payload);
        control.Emit(to, Verb.Rendezvous, payload[..length], to.Suite, path.Socket, path.EndPoint);
    }

    /// <summary>
    /// When packets of one identity are received from several endpoints, another node may use it: sends to each of these endpoints the
    /// address of another one, chosen at random (see TwinWatch). Under the control lock.
    /// </summary>
    public void TellOtherPlaces(Peer peer, long now)
    {
        if (peer.Paths.Length < 2 || now - peer.LastPlacesTold < Vl1Timing.OtherPlaces)
        {
            return;
        }

        PeerPath[] fresh = Array.FindAll(peer.Paths, path => now - path.LastReceived < Vl1Timing.PlaceFresh);
        if (fresh.Length < 2)
        {
            return;
        }

        peer.LastPlacesTold = now;
        int step = 1 + control.Random.Next(fresh.Length - 1);
        for (int i = 0; i < fresh.Length; i++)
        {
            SendIntroduction(peer, fresh[i], peer.Id, fresh[(i + step) % fresh.Length].EndPoint);
        }
    }

    /// <summary>Handles MULTICAST_LIKE: stores the subscriptions of a node.</summary>
    public void StoreLikes(Peer peer, ReadOnlySpan<byte> payload)
    {
        lock (control.Lock)
        {
            long now = control.Now;
            for (; payload.Length >= LikeSize; payload = payload[LikeSize..])
            {
                if (!_multicast.Add(ReadGroup(payload), peer.Id, now))
                {
                    control.Drops.Add(DropReason.TableFull);
                    return;
                }
            }
        }
    }

    /// <summary>
    /// Answers MULTICAST_GATHER (2.6.11) with members in random order, without the node that asks; not at all when there are no others.
    /// </summary>
    public void AnswerGather(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < GatherSize)
        {
            control.Drops.Add(DropReason.Malformed);
            return;
        }

        Span<byte> request = stackalloc byte[LikeSize];
        payload[..8].CopyTo(request);
        payload.Slice(9, 10).CopyTo(request[8..]);
        uint wanted = BinaryPrimitives.ReadUInt32BigEndian(payload[19..]);
        const int MaxListed =
            (Fragments.Mtu - PacketHeader.Size - ControlPlane.ReplyHeaderSize - GatherOkHeaderSize) / PacketHeader.AddressSize;
        var picked = new List<NodeId>();
        using (control.Enter())
        {
            int room = Math.Max(0, peer.AnswerRoom(info) - PacketHeader.Size - ControlPlane.ReplyHeaderSize - GatherOkHeaderSize)
                / PacketHeader.AddressSize;
            int total = _multicast.Gather(
                ReadGroup(request), peer.Id, (int)Math.Min(wanted, Math.Min(room, MaxListed)), control.Random, picked);
            if (picked.Count == 0)
            {
                return;
            }

            Span<byte> data = stackalloc byte[GatherOkHeaderSize + MaxListed * PacketHeader.AddressSize];
            request.CopyTo(data);
            BinaryPrimitives.WriteUInt32BigEndian(data[LikeSize..], (uint)total);
            BinaryPrimitives.WriteUInt16BigEndian(data[(LikeSize + 4)..], (ushort)picked.Count);
            int at = GatherOkHeaderSize;
            foreach (var member in CollectionsMarshal.AsSpan(picked))
            {
                PacketHeader.WriteAddress(data[at..], member);
                at += PacketHeader.AddressSize;
            }

            control.EmitOk(peer, info, Verb.MulticastGather, data[..at]);
        }
    }

    private static MulticastStore.Group ReadGroup(ReadOnlySpan<byte> record) => new(
        BinaryPrimitives.ReadUInt64BigEndian(record),
        (ulong)BinaryPrimitives.ReadUInt16BigEndian(record[8..]) << 32 | BinaryPrimitives.ReadUInt32BigEndian(record[10..]),
        BinaryPrimitives.ReadUInt32BigEndian(record[14..]));
}
