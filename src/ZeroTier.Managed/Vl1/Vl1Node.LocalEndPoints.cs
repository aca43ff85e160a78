using ZeroTier.Managed.Vl1.Messages;

namespace ZeroTier.Managed.Vl1;

/// <content>Our own physical addresses: telling them, and what is done when they change (docs/protocol/2-vl1.md 2.6.13, 2.14, 2.17).</content>
internal sealed partial class Vl1Node
{
    private IReadOnlyList<InetEndPoint>? _boundEndPoints;
    private IReadOnlyList<InetEndPoint> _localEndPoints = [];
    private bool _pushesDue;

    // What left from an address that has gone now leaves from the one that took its number. The other side looks for us at the old one until it hears from
    // the new: so everybody with a path from there is asked, and goes through a root until the answer.
    private void FollowLocalEndPoints(long now)
    {
        TellNewEndPoints();
        var bound = _transport.LocalEndPoints;
        var former = _boundEndPoints;
        if (ReferenceEquals(bound, former) || (former is not null && bound.SequenceEqual(former)))
        {
            return;
        }

        _boundEndPoints = bound;

        // Addresses that are no use for a path are not told to anybody.
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
        foreach (var peer in _peerList)
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

        foreach (var root in _upstreams)
        {
            SendHelloToRoot(root, now);
        }
    }

    // With the next packet that a trusted peer sends. A tick later than the change: the roots have then said how the new address looks from outside.
    private void TellNewEndPoints()
    {
        if (_pushesDue)
        {
            _pushesDue = false;
            foreach (var peer in _peerList)
            {
                peer.LastPush = Vl1Timing.Never;
            }
        }
    }

    private static bool IsPushDue(Peer peer, in PacketInfo info, long now) =>
        now - peer.LastTrust < Vl1Timing.Trust && now - peer.LastPush >= (info.Hops > 0 ? Vl1Timing.PushRelayed : Vl1Timing.PushDirect);

    // 2.6.13: our addresses. On the path of the packet that was the reason, or, when it came by a root or from a place that may be forged, as packets
    // go there now.
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
        bool proven = IsProven(peer, info);
        if (!proven && !peer.TrySpend(PacketHeader.Size + length))
        {
            // With one of its next packets.
            return;
        }

        peer.LastPush = now;
        if (proven)
        {
            Emit(peer, Verb.PushDirectPaths, payload[..length], SuiteOf(peer), info.Socket, info.Source);
        }
        else
        {
            EmitRouted(peer, Verb.PushDirectPaths, payload[..length]);
        }
    }

    private static bool HasMoved(int socket, IReadOnlyList<InetEndPoint> former, IReadOnlyList<InetEndPoint> bound) =>
        socket < former.Count && former[socket] != bound[socket];
}
