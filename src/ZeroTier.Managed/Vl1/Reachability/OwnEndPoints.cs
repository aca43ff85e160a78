using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>
/// Our own physical endpoints: announces them to peers, and reacts when they change (docs/protocol/2-vl1.md 2.6.13, 2.14, 2.17).
/// </summary>
/// <remarks>Under the control lock.</remarks>
internal sealed class OwnEndPoints(
    ControlPlane control, PeerTable peers, PathRules rules, Prober prober, Router router, PathTable pathTable, ILogger log)
{
    private readonly ExternalAddressReports _externalAddresses = new();
    private IReadOnlyList<InetEndPoint>? _boundEndPoints;
    private IReadOnlyList<InetEndPoint> _localEndPoints = [];
    private bool _pushesDue;

    /// <summary>Removes old reports of our external addresses.</summary>
    public void Expire(long now) => _externalAddresses.Expire(now);

    /// <summary>
    /// Compares the sockets of the transport with those of the last call. True when they have changed; the caller then sends HELLO to the
    /// roots. A socket number may now stand for another address. Peers keep sending to the old address until they receive something from
    /// the new one, so all paths of that socket are probed, and not used until they answer.
    /// </summary>
    public bool Follow(long now)
    {
        TellNewEndPoints();
        var bound = control.Sockets;
        var former = _boundEndPoints;
        if (ReferenceEquals(bound, former) || (former is not null && bound.SequenceEqual(former)))
        {
            return false;
        }

        _boundEndPoints = bound;

        // Addresses that cannot be used for a path are not announced.
        var usable = bound.Where(e => e.Port != 0 && rules.IsUsable(e)).Distinct().Take(Vl1Limits.PushedEndPoints).ToArray();
        bool told = former is null || usable.SequenceEqual(_localEndPoints);
        _localEndPoints = usable;
        if (former is null)
        {
            return false;
        }

        Vl1Log.LocalEndPointsChanged(log, control.Id, usable.Length);
        _pushesDue |= !told;
        _externalAddresses.Forget(report => HasMoved(report, former, bound));
        foreach (var peer in peers.All)
        {
            pathTable.Drop(peer, path => bound[path.Socket].IsNone, now);
            foreach (var path in peer.Paths)
            {
                if (HasMoved(path.Socket, former, bound))
                {
                    path.NeedsValidation = true;
                    path.Mtu.Reset();
                    prober.Probe(peer, path.Socket, path.EndPoint);
                }
            }

            router.Reroute(peer, now);
        }

        return true;
    }

    /// <summary>Whether PUSH_DIRECT_PATHS to a trusted peer is due again. Lock-free.</summary>
    public static bool IsPushDue(Peer peer, in PacketInfo info, long now) =>
        now - peer.LastTrust < Vl1Timing.Trust && now - peer.LastPush >= (info.Hops > 0 ? Vl1Timing.PushRelayed : Vl1Timing.PushDirect);

    /// <summary>
    /// Sends our endpoints to a peer in PUSH_DIRECT_PATHS (2.6.13): on the path of the packet that caused it, or, if that was relayed or
    /// came from an unvalidated endpoint, by the peer's current route.
    /// </summary>
    public void Push(Peer peer, in PacketInfo info, long now)
    {
        var endPoints = new List<InetEndPoint>(_localEndPoints);
        _externalAddresses.AddTo(endPoints, Vl1Limits.PushedEndPoints);
        if (endPoints.Count == 0)
        {
            peer.LastPush = now;
            return;
        }

        Span<byte> payload = stackalloc byte[2 + Vl1Limits.PushedEndPoints * PushDirectPathsMessage.MaxRecordSize];
        int length = PushDirectPathsMessage.Write(payload, endPoints);
        bool proven = peer.IsProven(info);
        if (!proven && !peer.TrySpend(PacketHeader.Size + length))
        {
            // Tried again when the peer's next packet is received.
            return;
        }

        peer.LastPush = now;
        if (proven)
        {
            control.Emit(peer, Verb.PushDirectPaths, payload[..length], peer.Suite, info.Socket, info.Source);
        }
        else
        {
            router.Emit(peer, Verb.PushDirectPaths, payload[..length]);
        }
    }

    /// <summary>A peer reports the external address from which it receives our packets.</summary>
    public void OnReported(Peer peer, in PacketInfo info, in InetEndPoint seen, long now)
    {
        // Only roots and members of our networks are trusted: anyone else could make us announce a victim's address to all peers.
        bool believed = peer.IsUpstream || now - peer.LastTrust < Vl1Timing.Trust;
        if (seen.IsNone
            || !believed
            || !control.IsUdp(info.Socket)
            || !_externalAddresses.Add(peer.Id, peer.IsUpstream, info.Socket, info.Source, seen, now, rules.LoopbackOnly))
        {
            return;
        }

        // 2.14: our external address has changed. Paths of that family and scope are not used until they answer.
        var scope = IpScopes.Of(seen);
        foreach (var other in peers.All)
        {
            foreach (var path in other.Paths)
            {
                if (path.Scope == scope && path.EndPoint.Family == seen.Family && !path.Is(info.Socket, info.Source))
                {
                    path.NeedsValidation = true;
                    path.Mtu.Reset();
                    prober.Probe(other, path.Socket, path.EndPoint);
                    router.Reroute(other, now);
                }
            }
        }
    }

    // Makes PUSH_DIRECT_PATHS due with the next packet of each trusted peer. One tick after the change, when roots should have reported
    // the new external address.
    private void TellNewEndPoints()
    {
        if (_pushesDue)
        {
            _pushesDue = false;
            foreach (var peer in peers.All)
            {
                peer.LastPush = Vl1Timing.Never;
            }
        }
    }

    private static bool HasMoved(int socket, IReadOnlyList<InetEndPoint> former, IReadOnlyList<InetEndPoint> bound) =>
        socket < former.Count && former[socket] != bound[socket];
}
