using ZeroTier.Managed.Vl1.Messages;

namespace ZeroTier.Managed.Vl1;

/// <content>
/// What may be sent to places from which a peer has not answered. Its packets may be replayed with any source address, and it may name any place as its own;
/// each then gets at most twice the bytes that came for it (RFC 9000, 8). Two accounts: one per place, of what came from there, and one per peer, of what came
/// over its paths and roots.
/// </content>
internal sealed partial class Vl1Node
{
    private const int WhoisSize = PacketHeader.Size + PacketHeader.AddressSize;

    // An ECHO that is so long may be answered and returned: 12 + 28 bytes twice are the answer and a question without padding.
    private static ReadOnlySpan<byte> EchoPadding => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private static bool IsProven(Peer peer, in PacketInfo info) => info.Hops == 0 && peer.FindPath(info.Socket, info.Source) is not null;

    // Once for each authenticated packet, before anything is sent because of it. The hops of a packet are not authentic: one that says that it was relayed
    // proves no place either, and when it is of a kind that is answered to where it came from, what it earns is for there.
    private void Earn(Peer peer, in PacketInfo info, Verb verb)
    {
        bool answered = verb is Verb.Hello or Verb.Whois or Verb.Echo or Verb.MulticastGather or Verb.NetworkConfigRequest;
        if (info.Hops == 0 ? peer.FindPath(info.Socket, info.Source) is not null : !answered)
        {
            peer.Earn(info.Length);
            return;
        }

        lock (_control)
        {
            peer.UnprovenPlaces.Earn(info.Source, info.Length, Now);
        }
    }

    // Bytes that may be sent back to where a packet came from.
    private static int AnswerRoom(Peer peer, in PacketInfo info) => IsProven(peer, info) ? int.MaxValue : peer.UnprovenPlaces.Room(info.Source);

    private bool EmitAnswer(Peer peer, in PacketInfo request, Verb verb, ReadOnlySpan<byte> payload)
    {
        int length = PacketHeader.Size + payload.Length;
        if (!IsProven(peer, request) && !peer.UnprovenPlaces.TrySpend(request.Source, Fragments.TotalSize(length, Fragments.SizeFor(length, PathMtu.Base))))
        {
            Drops.Add(DropReason.Amplification);
            return false;
        }

        Emit(peer, verb, payload, SuiteOf(peer), request.Socket, request.Source);
        return true;
    }

    // Asks a place from which packets come whether the peer is there. With a HELLO, as ZeroTierOne 1.12 does, where that is not too long for what came.
    private void Confirm(Peer peer, in PacketInfo info, long now)
    {
        bool greets = peer.UnprovenPlaces.Room(info.Source) >= HelloSize(info.Source);
        int size = greets ? HelloSize(info.Source) : PacketHeader.Size;
        if ((!greets && (!peer.Version.AnswersEcho || peer.UnprovenPlaces.Room(info.Source) < size)) || !peer.UnprovenPlaces.TryAsk(info.Source, now))
        {
            return;
        }

        peer.UnprovenPlaces.TrySpend(info.Source, size);
        if (greets)
        {
            SendHello(peer, info.Socket, info.Source);
        }
        else
        {
            Emit(peer, Verb.Echo, [], SuiteOf(peer), info.Socket, info.Source);
        }
    }

    // Asks the peer at places that it has named, as long as it has sent enough for that. What is left waits for more from it.
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

    // Asks out of all sockets of the place's family, as far as the room goes.
    private void AskFromAll(Peer peer, in InetEndPoint endPoint, ref int room)
    {
        int size = QuestionSize(peer, endPoint);
        for (int i = 0; i < _transport.LocalEndPoints.Count && room >= size; i++)
        {
            if (_transport.LocalEndPoints[i].Family == endPoint.Family)
            {
                room -= size;
                Probe(peer, i, endPoint);
            }
        }
    }

    private int CountSockets(InetEndPoint endPoint) => _transport.LocalEndPoints.Count(local => local.Family == endPoint.Family);

    // Bytes of what Probe sends.
    private static int QuestionSize(Peer peer, in InetEndPoint endPoint) =>
        peer.Version.AnswersEcho ? PacketHeader.Size + EchoPadding.Length : HelloSize(endPoint);

    private static int HelloSize(in InetEndPoint to) => PacketHeader.Size + HelloMessage.MaxSize - (to.AddressLength == 4 ? 12 : 0);

    // Times that a root may be asked for the sake of a packet that anybody can send.
    private static int QuestionsFor(in PacketInfo info) => Vl1Limits.Amplification * info.Length / WhoisSize;
}
