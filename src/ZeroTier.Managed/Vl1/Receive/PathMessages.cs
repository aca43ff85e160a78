using System.Net.Sockets;
using ZeroTier.Managed.Vl1.Lookup;
using ZeroTier.Managed.Vl1.Reachability;
using ZeroTier.Managed.Vl1.Roots;

namespace ZeroTier.Managed.Vl1.Receive;

/// <summary>
/// Handles the messages that announce endpoints of peers: PUSH_DIRECT_PATHS of the peers themselves, and RENDEZVOUS of roots
/// (docs/protocol/2-vl1.md 2.6.6, 2.6.13).
/// </summary>
internal sealed class PathMessages(
    ControlPlane control,
    IVl1Client client,
    PathRules rules,
    AmplificationLimits amplification,
    NatTraversal natTraversal,
    PeerDirectory directory,
    IdentityLookup lookup,
    TwinWatch twins)
{
    /// <summary>Handles PUSH_DIRECT_PATHS: a peer announces its endpoints.</summary>
    public void OnPush(Peer peer, ReadOnlySpan<byte> payload)
    {
        using (control.Enter())
        {
            long now = control.Now;
            peer.PushesInARow = now - peer.LastPushReceived > Vl1Timing.PushGateReset ? 0 : peer.PushesInARow + 1;
            peer.LastPushReceived = now;
            if (peer.PushesInARow >= Vl1Limits.PushesInARow)
            {
                control.Drops.Add(DropReason.RateGate);
                return;
            }

            var message = new PushDirectPathsMessage(payload);
            Span<int> tried = stackalloc int[2 * ((int)IpScope.Private + 1)];
            tried.Clear();
            while (message.TryReadNext(out var endPoint))
            {
                ref int count = ref tried[2 * (int)IpScopes.Of(endPoint) + (endPoint.Family == AddressFamily.InterNetwork ? 0 : 1)];
                if (count < Vl1Limits.TriedPerScope && rules.CanUse(peer, endPoint) && !peer.HasLivePath(endPoint, now))
                {
                    count++;
                    peer.UnprovenPlaces.Want(endPoint, now);
                }
            }

            amplification.AskWanted(peer, now);

            if (message.IsDamaged)
            {
                control.Drops.Add(DropReason.Malformed);
            }
        }
    }

    /// <summary>
    /// Handles RENDEZVOUS: a root introduces another node, or, if the node is ourselves, reports another endpoint that uses our identity.
    /// </summary>
    public void OnRendezvous(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (!peer.IsUpstream)
        {
            control.Drops.Add(DropReason.NotUpstream);
            return;
        }

        if (!RendezvousMessage.TryRead(payload, out var message))
        {
            control.Drops.Add(DropReason.Malformed);
            return;
        }

        if (message.Peer == control.Id)
        {
            bool isTwin;
            lock (control.Lock)
            {
                isTwin = twins.HearOfPlace(message.EndPoint, control.Now);
            }

            if (isTwin)
            {
                client.OnTwin(message.EndPoint);
            }

            return;
        }

        using (control.Enter())
        {
            long now = control.Now;
            if (directory.FindOrRestore(message.Peer) is { } other)
            {
                natTraversal.Act(other, message.EndPoint, info.Socket, now);
            }
            else if (!natTraversal.HasRoomFor(message.Peer))
            {
                control.Drops.Add(DropReason.TableFull);
            }
            else if (lookup.Whois(message.Peer, now))
            {
                natTraversal.Keep(message.Peer, message.EndPoint, info.Socket, now);
            }
        }
    }
}
