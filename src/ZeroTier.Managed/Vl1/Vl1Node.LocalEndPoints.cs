
namespace ZeroTier.Managed.Vl1;

/// <content>Our own physical addresses: telling them, and what is done when they change (docs/protocol/2-vl1.md 2.6.13, 2.14, 2.17).</content>
internal sealed partial class Vl1Node
{
    private IReadOnlyList<InetEndPoint>? _boundEndPoints;
    private IReadOnlyList<InetEndPoint> _localEndPoints = [];
    private bool _pushesDue;

    // Packets that were sent from a removed address now leave from the address that took its socket number. Peers keep sending to the old address until they
    // hear from the new one, so all paths of that socket are probed, and relayed until they answer.
    private void FollowLocalEndPoints(long now)
    {
        TellNewEndPoints();
        var bound = _control.Sockets;
        var former = _boundEndPoints;
        if (ReferenceEquals(bound, former) || (former is not null && bound.SequenceEqual(former)))
        {
            return;
        }

        _boundEndPoints = bound;

        // Addresses that cannot be used for a path are not announced.
        var usable = bound.Where(e => e.Port != 0 && IsUsable(e)).Distinct().Take(Vl1Limits.PushedEndPoints).ToArray();
        bool told = former is null || usable.SequenceEqual(_localEndPoints);
        _localEndPoints = usable;
        if (former is null)
        {
            return;
        }

        Vl1Log.LocalEndPointsChanged(_log, Id, usable.Length);
        _pushesDue |= !told;
        _externalAddresses.Forget(report => HasMoved(report, former, bound));
        foreach (var peer in _peers.All)
        {
            DropPaths(peer, path => bound[path.Socket].IsNone, now);
            foreach (var path in peer.Paths)
            {
                if (HasMoved(path.Socket, former, bound))
                {
                    path.NeedsValidation = true;
                    path.Mtu.Reset();
                    Probe(peer, path.Socket, path.EndPoint);
                }
            }

            Reroute(peer, now);
        }

        foreach (var root in _upstreams.All)
        {
            SendHelloToRoot(root, now);
        }
    }

    // Pushed with the next packet from each trusted peer, one tick after the change, when roots have reported the new external address.
    private void TellNewEndPoints()
    {
        if (_pushesDue)
        {
            _pushesDue = false;
            foreach (var peer in _peers.All)
            {
                peer.LastPush = Vl1Timing.Never;
            }
        }
    }

    private static bool IsPushDue(Peer peer, in PacketInfo info, long now) =>
        now - peer.LastTrust < Vl1Timing.Trust && now - peer.LastPush >= (info.Hops > 0 ? Vl1Timing.PushRelayed : Vl1Timing.PushDirect);

    // 2.6.13: our addresses. Sent on the path of the packet that caused the push, or, if that was relayed or came from an unvalidated endpoint, by the peer's
    // current route.
    private void Push(Peer peer, in PacketInfo info, long now)
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
            // Repeated with one of the peer's next packets.
            return;
        }

        peer.LastPush = now;
        if (proven)
        {
            _control.Emit(peer, Verb.PushDirectPaths, payload[..length], peer.Suite, info.Socket, info.Source);
        }
        else
        {
            EmitRouted(peer, Verb.PushDirectPaths, payload[..length]);
        }
    }

    private static bool HasMoved(int socket, IReadOnlyList<InetEndPoint> former, IReadOnlyList<InetEndPoint> bound) =>
        socket < former.Count && former[socket] != bound[socket];
}
