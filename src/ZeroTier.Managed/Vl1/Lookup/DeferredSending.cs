using ZeroTier.Managed.Vl1.Reachability;

namespace ZeroTier.Managed.Vl1.Lookup;

/// <summary>Sends packets to nodes whose identity or path is not known yet.</summary>
internal sealed class DeferredSending(
    ControlPlane control,
    Upstreams upstreams,
    Router router,
    SendQueue sendQueue,
    PeerDirectory directory,
    IdentityLookup lookup)
{
    /// <summary>
    /// Sends a packet as soon as its destination is known and reachable. It is dropped if that takes more than 5 s. Takes the lock.
    /// </summary>
    public void Enqueue(NodeId destination, Verb verb, ReadOnlySpan<byte> payload)
    {
        if (destination == control.Id || destination.IsReserved)
        {
            control.Drops.Add(DropReason.NoRoute);
            return;
        }

        using (control.Enter())
        {
            long now = control.Now;
            if (!control.IsRunning)
            {
                control.Drops.Add(DropReason.NoRoute);
                return;
            }

            var peer = directory.FindOrRestore(destination);
            if (peer is not null && router.Emit(peer, verb, payload))
            {
                return;
            }

            if (peer is not null)
            {
                directory.SendHelloToFormerEndPoints(peer, now);
            }
            else if (!lookup.Whois(destination, now))
            {
                // No WHOIS could be sent, for example because no root has answered since the start. If roots are configured, the packet
                // waits all the same: the first one usually answers within its lifetime.
                if (upstreams.All.Count == 0)
                {
                    control.Drops.Add(DropReason.NoRoute);
                    return;
                }
            }

            sendQueue.Add(destination, verb, payload, now);
        }
    }
}
