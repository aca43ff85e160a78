namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>Probes endpoints with ECHO or HELLO. Under the control lock.</summary>
internal sealed class Prober(ControlPlane control, HelloSender helloSender)
{
    /// <summary>
    /// Probes an endpoint of a peer: with ECHO if its version answers that, else with HELLO. A negative socket means all sockets.
    /// </summary>
    public void Probe(Peer peer, int socket, in InetEndPoint endPoint)
    {
        if (socket >= 0)
        {
            if (peer.Version.AnswersEcho)
            {
                control.Emit(peer, Verb.Echo, EchoPadding, peer.Suite, socket, endPoint);
            }
            else
            {
                helloSender.Send(peer, socket, endPoint);
            }

            return;
        }

        for (int i = 0; i < control.Sockets.Count; i++)
        {
            if (control.Sockets[i].Family == endPoint.Family)
            {
                Probe(peer, i, endPoint);
            }
        }
    }

    /// <summary>Probes from all sockets of the endpoint's family, as far as <paramref name="room"/>, in bytes, suffices.</summary>
    public void ProbeFromAll(Peer peer, in InetEndPoint endPoint, ref int room)
    {
        int size = SizeOf(peer, endPoint);
        for (int i = 0; i < control.Sockets.Count && room >= size; i++)
        {
            if (control.Sockets[i].Family == endPoint.Family)
            {
                room -= size;
                Probe(peer, i, endPoint);
            }
        }
    }

    /// <summary>Number of sockets from which the endpoint is probed.</summary>
    public int CountSockets(InetEndPoint endPoint) => control.Sockets.Count(local => local.Family == endPoint.Family);

    /// <summary>Bytes of one probe.</summary>
    public static int SizeOf(Peer peer, in InetEndPoint endPoint) =>
        peer.Version.AnswersEcho ? PacketHeader.Size + EchoPadding.Length : HelloSender.SizeTo(endPoint);

    // An ECHO of this length, 28 + 12 bytes, gives enough anti-amplification credit at the receiver, twice its length, for both the OK and
    // an ECHO in the other direction.
    private static ReadOnlySpan<byte> EchoPadding => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
}
