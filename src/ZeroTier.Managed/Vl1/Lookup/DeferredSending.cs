using ZeroTier.Managed.Vl1.Reachability;

namespace ZeroTier.Managed.Vl1.Lookup;

/// <summary>Sends to nodes that are not known or not reachable yet.</summary>
internal sealed class DeferredSending(
    ControlPlane control,
    Upstreams upstreams,
    Router router,
    SendQueue sendQueue,
    PeerDirectory directory,
    IdentityLookup lookup)
{
    /// <summary>
    /// Sends a packet as soon as its destination is known and can be reached: within 5 s, else it is dropped. Takes the lock.
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
                // The packet also waits while no root is known: at start, the first root answers within the packet's lifetime.
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
