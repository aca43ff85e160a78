using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>
/// Path MTU discovery on routes that carry frames (RFC 8899). A probe is a HELLO in one datagram of the probed size, padded with zeros,
/// which every node ignores. Its answer is short, so it arrives even when the MTU of the reverse path is smaller; an ECHO would be answered
/// at full length.
/// </summary>
internal sealed class MtuDiscovery(
    ControlPlane control, PeerTable peers, Router router, HelloSender helloSender, Prober prober, ILogger log)
{
    private readonly List<SizeProbe> _sizeProbes = [];
    private long _nextSearch = long.MinValue;

    /// <summary>A node no longer answers: the path MTU to it may have fallen and is probed.</summary>
    public void DoubtSize(NodeId id)
    {
        if (peers.Find(id) is not { } peer)
        {
            return;
        }

        using (control.Enter())
        {
            long now = control.Now;
            if (router.TryFindWay(peer, out var path, out var mtu) && mtu.Doubt(now))
            {
                ProbeSize(peer, path, mtu, now);
            }
        }
    }

    /// <summary>The operating system has refused to send a datagram because it is too large for the path (EMSGSIZE).</summary>
    public void OnRefused(int socket, in InetEndPoint destination, int size)
    {
        using (control.Enter())
        {
            long now = control.Now;
            bool probing = false;
            for (int i = _sizeProbes.Count - 1; i >= 0; i--)
            {
                var (peer, path, mtu) = _sizeProbes[i];
                if (path.Is(socket, destination))
                {
                    probing = true;
                    OnRefused(peer, path, mtu, size, now);
                }
            }

            // Data was refused: the route has changed. All peers are searched, at most once a tick, since refusals come for each datagram.
            if (!probing && now >= _nextSearch)
            {
                _nextSearch = now + Vl1Timing.Tick;
                foreach (var peer in peers.All)
                {
                    foreach (var path in peer.Paths)
                    {
                        if (path.Is(socket, destination))
                        {
                            OnRefused(peer, path, path.Mtu, size, now);
                        }
                    }

                    if (peer.Relayed is { } relayed && relayed.Root.Is(socket, destination))
                    {
                        OnRefused(peer, relayed.Root, relayed.Mtu, size, now);
                    }
                }
            }
        }
    }

    /// <summary>Probes a path that is about to be used, see <see cref="PathMtu.IsDue"/>. Takes the lock.</summary>
    public void ProbeSize(Peer peer, PeerPath path, PathMtu mtu)
    {
        using (control.Enter())
        {
            ProbeSize(peer, path, mtu, control.Now);
        }
    }

    /// <summary>Sends the probes that are due. Under the control lock.</summary>
    public void ContinueProbes(long now)
    {
        for (int i = _sizeProbes.Count - 1; i >= 0; i--)
        {
            ContinueProbe(i, now);
        }
    }

    /// <summary>A HELLO, which may have been a probe, was answered. Takes the lock.</summary>
    public void OnProbeAnswered(Peer peer, ulong packetId)
    {
        using (control.Enter())
        {
            long now = control.Now;
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

    private void OnRefused(Peer peer, PeerPath path, PathMtu mtu, int size, long now)
    {
        int former = mtu.Size;
        if (mtu.OnRefused(size, now))
        {
            TellIfNarrower(peer, path, mtu, former);
            ProbeSize(peer, path, mtu, now);
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

    // Under the lock. Sends the next probe if it is due, and removes the path from the list when discovery is complete.
    private void ContinueProbe(int index, long now)
    {
        var (peer, path, mtu) = _sizeProbes[index];
        bool direct = ReferenceEquals(path.Mtu, mtu);
        int former = mtu.Size;
        int size = peer.IsForgotten || !control.IsRunning ? 0 : mtu.Next(now, direct ? path.LastReceived : peer.LastReceived);
        if (size != 0)
        {
            mtu.OnSent(helloSender.SendOfSize(peer, path, size), now);
            if (mtu.IsRepeating)
            {
                prober.Probe(peer, path.Socket, path.EndPoint);
            }
        }
        else if (mtu.Probing == 0 || peer.IsForgotten)
        {
            _sizeProbes.RemoveAt(index);
        }

        TellIfNarrower(peer, path, mtu, former);
    }

    private void TellIfNarrower(Peer peer, PeerPath path, PathMtu mtu, int former)
    {
        if (mtu.Size < former)
        {
            Vl1Log.PathNarrowed(log, peer.Id, path.EndPoint, mtu.Size);
            control.Notify(peer, PeerChange.PathNarrowed);
        }
    }

    private readonly record struct SizeProbe(Peer Peer, PeerPath Path, PathMtu Mtu);
}
