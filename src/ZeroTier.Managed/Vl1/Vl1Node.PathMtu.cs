using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1;

/// <content>
/// Path MTU discovery on routes that carry frames (RFC 8899). A probe is a HELLO padded with zeros behind its tail, which every node ignores, in one datagram
/// of the probed size. Its answer is short, so it arrives even when the reverse path is narrower; an ECHO would return at full length.
/// </content>
internal sealed partial class Vl1Node
{
    private readonly List<SizeProbe> _sizeProbes = [];

    /// <summary>The path MTU state of the current route to a node; null when there is no route. Lock-free.</summary>
    public PathMtu? FindMtu(NodeId id)
    {
        if (FindPeer(id) is not { } peer)
        {
            return null;
        }

        var route = peer.Route;
        return route.Path is { } direct ? direct.Mtu
            : _upstreams.RelayFor(peer) is not { } root ? route.Fallback?.Mtu
            : peer.Relayed is { } relayed && ReferenceEquals(relayed.Root, root) ? relayed.Mtu
            : null;
    }

    /// <summary>Answers of a node are missing: its path may have become narrower.</summary>
    public void DoubtSize(NodeId id)
    {
        if (FindPeer(id) is not { } peer)
        {
            return;
        }

        using (_control.Enter())
        {
            long now = Now;
            if (TryFindWay(peer, out var path, out var mtu) && mtu.Doubt(now))
            {
                ProbeSize(peer, path, mtu, now);
            }
        }
    }

    /// <inheritdoc />
    public void OnRefused(int socket, in InetEndPoint destination, int size)
    {
        using (_control.Enter())
        {
            for (int i = _sizeProbes.Count - 1; i >= 0; i--)
            {
                var probe = _sizeProbes[i];
                if (probe.Path.Is(socket, destination) && probe.Mtu.Probing == size)
                {
                    probe.Mtu.OnRefused(size, Now);
                    ContinueProbe(i, Now);
                }
            }
        }
    }

    /// <summary>
    /// The route to a peer: its direct path, else the best root, else a path that seems dead. Lock-free except for the first packet through a root.
    /// </summary>
    internal bool TryFindWay(Peer peer, [NotNullWhen(true)] out PeerPath? path, [NotNullWhen(true)] out PathMtu? mtu)
    {
        var route = peer.Route;
        path = route.Path;
        if (path is null && _upstreams.RelayFor(peer) is { } root)
        {
            peer.LastRelayedSend = Now;
            path = root;
            mtu = MtuThrough(root, peer);
            return true;
        }

        path ??= route.Fallback;
        mtu = path?.Mtu;
        return path is not null;
    }

    /// <summary>Probes a path that is about to be used, see <see cref="PathMtu.IsDue"/>. Takes the lock.</summary>
    internal void ProbeSize(Peer peer, PeerPath path, PathMtu mtu)
    {
        using (_control.Enter())
        {
            ProbeSize(peer, path, mtu, Now);
        }
    }

    private PathMtu MtuThrough(PeerPath root, Peer peer)
    {
        if (peer.Relayed is { } known && ReferenceEquals(known.Root, root))
        {
            return known.Mtu;
        }

        lock (_control.Lock)
        {
            if (peer.Relayed is not { } relayed || !ReferenceEquals(relayed.Root, root))
            {
                peer.Relayed = relayed = new RelayedWay(root, new PathMtu());
            }

            return relayed.Mtu;
        }
    }

    private void ProbeSize(Peer peer, PeerPath path, PathMtu mtu, long now)
    {
        int at = _sizeProbes.FindIndex(probe => ReferenceEquals(probe.Mtu, mtu));
        if (at < 0)
        {
            if (_sizeProbes.Count >= Vl1Limits.MtuProbes)
            {
                mtu.Postpone(now);
                return;
            }

            at = _sizeProbes.Count;
            _sizeProbes.Add(new SizeProbe(peer, path, mtu));
        }

        ContinueProbe(at, now);
    }

    private void ContinueProbes(long now)
    {
        for (int i = _sizeProbes.Count - 1; i >= 0; i--)
        {
            ContinueProbe(i, now);
        }
    }

    // Under the lock. Sends the next probe if it is due, and removes the path from the list when discovery is complete.
    private void ContinueProbe(int index, long now)
    {
        var (peer, path, mtu) = _sizeProbes[index];
        bool direct = ReferenceEquals(path.Mtu, mtu);
        int former = mtu.Size;
        int size = peer.IsForgotten || !_control.IsRunning ? 0 : mtu.Next(now, direct ? path.LastReceived : peer.LastReceived);
        if (size != 0)
        {
            mtu.OnSent(SendHelloOfSize(peer, path, size), now);
            if (mtu.IsRepeating)
            {
                Probe(peer, path.Socket, path.EndPoint);
            }
        }
        else if (mtu.Probing == 0 || peer.IsForgotten)
        {
            _sizeProbes.RemoveAt(index);
        }

        if (mtu.Size < former)
        {
            Vl1Log.PathNarrowed(_log, peer.Id, path.EndPoint, mtu.Size);
            _control.Notify(peer, PeerChange.PathNarrowed);
        }
    }

    private void OnProbeAnswered(Peer peer, ulong packetId)
    {
        using (_control.Enter())
        {
            long now = Now;
            for (int i = _sizeProbes.Count - 1; i >= 0; i--)
            {
                if (ReferenceEquals(_sizeProbes[i].Peer, peer) && _sizeProbes[i].Mtu.OnAnswer(packetId, now))
                {
                    ContinueProbe(i, now);
                    return;
                }
            }
        }
    }

    private ulong SendHelloOfSize(Peer peer, PeerPath path, int size)
    {
        Span<byte> payload = stackalloc byte[PathMtu.Max - PacketHeader.Size];
        payload = payload[..(size - PacketHeader.Size)];
        int length = WriteHello(payload, path.EndPoint);
        payload[length..].Clear();
        path.LastSent = Now;
        int tail = payload.Length - length + HelloMessage.TailSize;
        return _control.Emit(peer.Keys, peer.Id, Verb.Hello, payload, CipherSuite.Poly1305, path.Socket, path.EndPoint, size, tail);
    }

    private readonly record struct SizeProbe(Peer Peer, PeerPath Path, PathMtu Mtu);
}
