namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>
/// Anti-amplification limits for unvalidated endpoints. Anybody can replay a peer's packets with a forged source address, and a peer may
/// announce any endpoint as its own. So at most twice the bytes received are sent to such endpoints (RFC 9000, 8). There are two credits:
/// one per endpoint, for bytes received from it, and one per peer, for bytes received over its paths and through roots, which is spent on
/// endpoints that it announces.
/// </summary>
internal sealed class AmplificationLimits(ControlPlane control, HelloSender helloSender, Prober prober)
{
    /// <summary>
    /// Credits a packet. Called once per authenticated packet, before anything is sent because of it. The hop count is not authenticated,
    /// so a packet marked as relayed validates no endpoint; if its verb is answered to the source, its bytes are credited to that source.
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
    /// Probes the source of a peer's packet, to validate it by the answer: with a HELLO, as ZeroTierOne 1.12 does, if the credit covers its
    /// length, else with an ECHO.
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
    /// Probes endpoints that the peer has announced, as far as its credit goes. The others wait until more bytes are received from it.
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
