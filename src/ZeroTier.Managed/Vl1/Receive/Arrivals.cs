using ZeroTier.Managed.Vl1.Reachability;

namespace ZeroTier.Managed.Vl1.Receive;

/// <summary>
/// Updates the state of peer and path after every authenticated packet, whatever its verb (docs/protocol/2-vl1.md 2.12.1).
/// </summary>
internal sealed class Arrivals(
    ControlPlane control, IVl1Client client, Router router, PathTable pathTable, HelloSender helloSender, OwnEndPoints ownEndPoints)
{
    /// <summary>Called after every authenticated packet (2.12.1). Takes no lock when the path is known and nothing is due.</summary>
    public void Received(Peer peer, in PacketInfo info, Verb verb, bool trusted)
    {
        long now = control.LatelyNow;
        bool afterSilence = now - peer.LastReceived >= Vl1Timing.Silence;
        peer.LastReceived = now;
        if (verb is Verb.Frame or Verb.ExtFrame or Verb.MulticastFrame or Verb.NetworkConfig or Verb.NetworkConfigRequest)
        {
            peer.LastNontrivial = now;
        }

        if (trusted)
        {
            peer.LastTrust = now;
        }

        bool isDue = OwnEndPoints.IsPushDue(peer, info, now);
        PeerPath? path = null;
        if (info.Hops == 0)
        {
            path = peer.FindPath(info.Socket, info.Source);
            if (path is not null)
            {
                isDue |= !path.IsAlive(now);
                path.LastReceived = now;
            }
            else
            {
                isDue = true;
            }
        }
        else
        {
            isDue |= !peer.Version.IsKnown;
        }

        if (isDue)
        {
            ReceivedControl(peer, info, verb, path, now);
        }

        // Last, because what this triggers is sent over the path that this packet may have established.
        if (afterSilence)
        {
            client.OnPeerHeard(peer);
        }
    }

    private void ReceivedControl(Peer peer, in PacketInfo info, Verb verb, PeerPath? path, long now)
    {
        using (control.Enter())
        {
            if (peer.IsForgotten)
            {
                return;
            }

            if (path is not null)
            {
                path.NeedsValidation = false;
                router.Reroute(peer, now);
            }
            else if (info.Hops == 0)
            {
                pathTable.Learn(peer, info, verb, now);
            }
            else if (!peer.Version.IsKnown)
            {
                helloSender.SendThroughRoot(peer, now, forItsPacket: true);
            }

            if (OwnEndPoints.IsPushDue(peer, info, now))
            {
                ownEndPoints.Push(peer, info, now);
            }
        }
    }
}
