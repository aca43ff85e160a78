
namespace ZeroTier.Managed.Vl1;

/// <content>
/// Anti-amplification limits for unvalidated endpoints. A peer's packets may be replayed with any source address, and it may announce any endpoint as its own;
/// each is sent at most twice the bytes received for it (RFC 9000, 8). There are two credits: per endpoint, for bytes that came from it, and per peer, for
/// bytes that came over its paths and roots.
/// </content>
internal sealed partial class Vl1Node
{
    private const int WhoisSize = PacketHeader.Size + PacketHeader.AddressSize;

    // An ECHO of this length earns enough for both the answer and an ECHO in return: twice 12 + 28 bytes.
    private static ReadOnlySpan<byte> EchoPadding => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    // Called once per authenticated packet, before anything is sent because of it. The hop count is not authenticated, so a packet marked as relayed validates
    // no endpoint; if its verb is answered to the source, its credit belongs to that source.
    private void Earn(Peer peer, in PacketInfo info, Verb verb)
    {
        bool answered = verb is Verb.Hello or Verb.Whois or Verb.Echo or Verb.MulticastGather or Verb.NetworkConfigRequest;
        if (info.Hops == 0 ? peer.FindPath(info.Socket, info.Source) is not null : !answered)
        {
            peer.Earn(info.Length);
            return;
        }

        lock (_control.Lock)
        {
            peer.UnprovenPlaces.Earn(info.Source, info.Length, Now);
        }
    }

    // Validates the source of a peer's packets: with a HELLO, as ZeroTierOne 1.12 does, if the credit covers its length, else with an ECHO.
    private void Confirm(Peer peer, in PacketInfo info, long now)
    {
        bool affordsHello = peer.UnprovenPlaces.Room(info.Source) >= HelloSize(info.Source);
        int size = affordsHello ? HelloSize(info.Source) : PacketHeader.Size;
        if ((!affordsHello && (!peer.Version.AnswersEcho || peer.UnprovenPlaces.Room(info.Source) < size)) || !peer.UnprovenPlaces.TryAsk(info.Source, now))
        {
            return;
        }

        peer.UnprovenPlaces.TrySpend(info.Source, size);
        if (affordsHello)
        {
            SendHello(peer, info.Socket, info.Source);
        }
        else
        {
            _control.Emit(peer, Verb.Echo, [], peer.Suite, info.Socket, info.Source);
        }
    }

    // Probes endpoints that the peer has announced, as far as its credit goes. The rest waits for more bytes from it.
    private void AskWanted(Peer peer, long now)
    {
        while (peer.UnprovenPlaces.TryGetWanted(now, out var endPoint))
        {
            int room = CountSockets(endPoint) * QuestionSize(peer, endPoint);
            if (!peer.TrySpend(room) || !peer.UnprovenPlaces.TryAsk(endPoint, now))
            {
                return;
            }

            AskFromAll(peer, endPoint, ref room);
        }
    }

    // Probes from all sockets of the endpoint's family, as far as the credit goes.
    private void AskFromAll(Peer peer, in InetEndPoint endPoint, ref int room)
    {
        int size = QuestionSize(peer, endPoint);
        for (int i = 0; i < _control.Sockets.Count && room >= size; i++)
        {
            if (_control.Sockets[i].Family == endPoint.Family)
            {
                room -= size;
                Probe(peer, i, endPoint);
            }
        }
    }

    private int CountSockets(InetEndPoint endPoint) => _control.Sockets.Count(local => local.Family == endPoint.Family);

    // Bytes of what Probe sends.
    private static int QuestionSize(Peer peer, in InetEndPoint endPoint) =>
        peer.Version.AnswersEcho ? PacketHeader.Size + EchoPadding.Length : HelloSize(endPoint);

    private static int HelloSize(in InetEndPoint to) => PacketHeader.Size + HelloMessage.MaxSizeWithoutMoons - (to.AddressLength == 4 ? 12 : 0);

    // How often a root may be sent WHOIS because of an unauthenticated packet.
    private static int QuestionsFor(in PacketInfo info) => Vl1Limits.Amplification * info.Length / WhoisSize;
}
