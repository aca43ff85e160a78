using ZeroTier.Managed.Vl1.Messages;

namespace ZeroTier.Managed.Vl1;

/// <content>Root only: relaying and introductions (docs/protocol/2-vl1.md 2.15). Leaves do not relay.</content>
internal sealed partial class Vl1Node
{
    private void RelayHead(NodeId destination, int socket, in InetEndPoint from, Span<byte> datagram)
    {
        int hops = PacketHeader.Hops(datagram);
        var source = PacketHeader.Source(datagram);
        if (source == destination)
        {
            // No node sends to its own address, and a ZeroTierOne 1.12 root to which this packet was forwarded would lock up.
            Drops.Add(DropReason.NoRoute);
            return;
        }

        if (!MayRelay(hops) || RelayTarget(destination, source, from, datagram.Length) is not { } target)
        {
            return;
        }

        // Only these three bits change in transit.
        datagram[PacketHeader.FlagsOffset]++;
        Forward(target.Path, from, datagram);

        // The source of a relayed packet is not authenticated: a pair is introduced only if the packet came over the source's own path. Pairs with an unknown
        // destination are left to the root that knows it, so that invented addresses do not fill the table.
        if (target.Peer.Id == destination && FindPeer(source) is { } sender && sender.FindPath(socket, from) is not null
            && _introductions.TryBegin(source, destination, Now))
        {
            using (Enter())
            {
                Introduce(target.Peer, sender, Now);
            }
        }
    }

    private void RelayFragment(NodeId destination, in InetEndPoint from, Span<byte> datagram)
    {
        int hops = datagram[Fragments.HopsOffset] & PacketHeader.HopsMask;
        if (MayRelay(hops) && RelayTarget(destination, default, from, datagram.Length) is { } target)
        {
            datagram[Fragments.HopsOffset] = (byte)(hops + 1);
            Forward(target.Path, from, datagram);
        }
    }

    private bool MayRelay(int hops)
    {
        if (!_isRoot)
        {
            Drops.Add(DropReason.NotRelayed);
            return false;
        }

        if (hops >= PacketHeader.MaxHops)
        {
            Drops.Add(DropReason.Hops);
            return false;
        }

        return true;
    }

    // The destination itself, or another root that may know it.
    private (Peer Peer, PeerPath Path)? RelayTarget(NodeId destination, NodeId source, in InetEndPoint from, int length)
    {
        var peer = FindPeer(destination);
        if (peer is null && !destination.IsReserved)
        {
            peer = RestoreForStranger(destination, from, length);
        }

        if (peer?.Route is { } route && (route.Path ?? route.Fallback) is { } direct)
        {
            return (peer, direct);
        }

        if (_bestUpstream is { } root && root.Id != source && root.Id != destination && _relay is { } relay)
        {
            return (root, relay);
        }

        Drops.Add(DropReason.NoRoute);
        return null;
    }

    private void Forward(PeerPath path, in InetEndPoint from, ReadOnlySpan<byte> datagram)
    {
        if (path.EndPoint == from)
        {
            // Never forward to the sender's own endpoint: two roots could bounce the packet until its hop limit.
            Drops.Add(DropReason.NoRoute);
            return;
        }

        path.LastSent = Now;
        Transmit(path.Socket, path.EndPoint, datagram, datagram.Length);
    }

    // 2.15: the highest scope in which both have a path, IPv6 first; each learns the other's best one.
    private void Introduce(Peer first, Peer second, long now)
    {
        PeerPath? bestFirst = null;
        PeerPath? bestSecond = null;
        foreach (var a in first.Paths)
        {
            foreach (var b in second.Paths)
            {
                if (a.Scope == b.Scope && a.EndPoint.Family == b.EndPoint.Family && !a.IsExpired(now) && !b.IsExpired(now)
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

        if (Random.Next(2) == 0)
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
        Emit(to, Verb.Rendezvous, payload[..length], SuiteOf(to), path.Socket, path.EndPoint);
    }
}
