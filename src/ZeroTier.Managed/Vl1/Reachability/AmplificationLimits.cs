namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>
/// Anti-amplification limits for unvalidated endpoints. A peer's packets may be replayed with any source address, and it may announce any
/// endpoint as its own; each is sent at most twice the bytes received for it (RFC 9000, 8). There are two credits: per endpoint, for bytes
/// that came from it, and per peer, for bytes that came over its paths and roots.
/// </summary>
internal sealed class AmplificationLimits(ControlPlane control, HelloSender helloSender, Prober prober)
{
    /// <summary>
    /// Called once per authenticated packet, before anything is sent because of it. The hop count is not authenticated, so a packet marked
    /// as relayed validates no endpoint; if its verb is answered to the source, its credit belongs to that source.
    /// </summary>
    public void Earn(Peer peer, in PacketInfo info, Verb verb)
    {
        bool answered = verb is Verb.Hello or Verb.Whois or Verb.Echo or Verb.MulticastGather or Verb.NetworkConfigRequest;
        if (info.Hops == 0 ? peer.FindPath(info.Socket, info.Source) is not null : !answered)
        {
            peer.Earn(info.Length);
            return;
        }

        lock (control.Lock)
        {
            peer.UnprovenPlaces.Earn(info.Source, info.Length, control.Now);
        }
    }

    /// <summary>
    /// Validates the source of a peer's packets: with a HELLO, as ZeroTierOne 1.12 does, if the credit covers its length, else with an
    /// ECHO.
    /// </summary>
    public void Confirm(Peer peer, in PacketInfo info, long now)
    {
        bool affordsHello = peer.UnprovenPlaces.Room(info.Source) >= HelloSender.SizeTo(info.Source);
        int size = affordsHello ? HelloSender.SizeTo(info.Source) : PacketHeader.Size;
        if ((!affordsHello && (!peer.Version.AnswersEcho || peer.UnprovenPlaces.Room(info.Source) < size))
            || !peer.UnprovenPlaces.TryAsk(info.Source, now))
        {
            return;
        }

        peer.UnprovenPlaces.TrySpend(info.Source, size);
        if (affordsHello)
        {
            helloSender.Send(peer, info.Socket, info.Source);
        }
        else
        {
            control.Emit(peer, Verb.Echo, [], peer.Suite, info.Socket, info.Source);
        }
    }

    /// <summary>
    /// Probes endpoints that the peer has announced, as far as its credit goes. The rest waits for more bytes from it.
    /// </summary>
    public void AskWanted(Peer peer, long now)
    {
        while (peer.UnprovenPlaces.TryGetWanted(now, out var endPoint))
        {
            int room = prober.CountSockets(endPoint) * Prober.SizeOf(peer, endPoint);
            if (!peer.TrySpend(room) || !peer.UnprovenPlaces.TryAsk(endPoint, now))
            {
                return;
            }

            prober.ProbeFromAll(peer, endPoint, ref room);
        }
    }
}
