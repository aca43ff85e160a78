using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ZeroTier.Managed.Vl1;

/// <content>What each verb does (docs/protocol/2-vl1.md 2.6).</content>
internal sealed partial class Vl1Node
{

    // Handles an authenticated packet. Rejected packets return before the path counts as heard.
    private void Dispatch(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        Earn(peer, info, verb);

        // An OK takes the route of its request, so it says nothing about the route that the peer prefers.
        if (info.Hops != 0 && verb != Verb.Ok)
        {
            RevalidatePaths(peer);
        }

        switch (verb)
        {
            case Verb.Frame:
            case Verb.ExtFrame:
            case Verb.NetworkConfig:
            case Verb.NetworkConfigRequest:
            case Verb.MulticastGather:
            case Verb.MulticastFrame:
            case Verb.MulticastLike:
            case Verb.UserMessage:
                Offer(peer, verb, info, payload, 0);
                return;
            case Verb.NetworkCredentials:
                if (!MayTakeCredentials(peer))
                {
                    Drops.Add(DropReason.RateGate);
                    return;
                }

                Offer(peer, verb, info, payload, 0);
                return;
            case Verb.Hello:
                // From a known peer HELLO may come encrypted as well.
                if (!HelloMessage.TryRead(payload, out var hello) || !hello.Identity.Equals(peer.Identity))
                {
                    Drops.Add(DropReason.Malformed);
                    return;
                }

                if (hello.Version.Protocol < PeerVersion.MinProtocol)
                {
                    Drops.Add(DropReason.HelloVersion);
                    return;
                }

                AcceptHello(peer, hello, info);
                return;
            case Verb.Ok:
                HandleOk(peer, info, payload);
                return;
            case Verb.Error:
                HandleError(peer, info, payload);
                break;
            case Verb.Whois:
                AnswerWhois(peer, info, payload);
                break;
            case Verb.Rendezvous:
                HandleRendezvous(peer, info, payload);
                break;
            case Verb.Echo:
                AnswerEcho(peer, info, payload);
                break;
            case Verb.PushDirectPaths:
                HandlePush(peer, payload);
                break;
        }

        Received(peer, info, verb, trusted: false);
    }

    private bool MayTakeCredentials(Peer peer)
    {
        lock (_control.Lock)
        {
            long now = Now;
            if (now - peer.LastCredentials < Vl1Timing.Credentials)
            {
                return false;
            }

            peer.LastCredentials = now;
            return true;
        }
    }

    // Offers a packet to the layer above and acts on its result. Expires: the deadline of a packet that was on hold; 0 for a new one.
    private void Offer(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload, long expires)
    {
        if (verb == Verb.MulticastLike)
        {
            _rootServer?.StoreLikes(peer, payload);
        }

        var result = _client.OnPacket(peer, verb, info, payload);
        switch (result)
        {
            case PacketResult.Hold:
                lock (_control.Lock)
                {
                    _waiting.Add(peer.Id, verb, info, payload, expires == 0 ? Now + Vl1Timing.QueueLifetime : expires);
                }

                break;
            case PacketResult.Ignored when verb == Verb.NetworkConfigRequest && payload.Length >= 8:
                ReplyError(peer, info, verb, ErrorCode.UnsupportedOperation, payload[..8]);
                break;
            case PacketResult.Ignored when verb == Verb.MulticastGather:
                _rootServer?.AnswerGather(peer, info, payload);
                break;
        }

        Received(peer, info, verb, result == PacketResult.Trusted);
    }

    private void HandleOk(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < ControlPlane.ReplyHeaderSize)
        {
            Drops.Add(DropReason.Malformed);
            return;
        }

        // Only HELLO and ECHO have exactly one answer, so only theirs validates the peer's endpoint; for other verbs a replayed answer could not be told from a
        // second one.
        var verb = (Verb)payload[0];
        bool proves = verb is Verb.Hello or Verb.Echo;
        ulong request = BinaryPrimitives.ReadUInt64BigEndian(payload[1..]);
        if (!(proves ? ExpectedReplies.TryTake(request, peer.Id) : ExpectedReplies.Contains(request, peer.Id)))
        {
            Drops.Add(DropReason.Unexpected);
            return;
        }

        bool trusted = false;
        switch (verb)
        {
            case Verb.Hello:
                // Learn the path first: the latency sample belongs to it.
                Received(peer, info, Verb.Ok, trusted: false);
                OnProbeAnswered(peer, request);
                HandleOkHello(peer, info, payload[ControlPlane.ReplyHeaderSize..]);
                return;
            case Verb.Whois:
                HandleOkWhois(peer, payload[ControlPlane.ReplyHeaderSize..]);
                break;
            case Verb.Echo:
                break;
            default:
                trusted = _client.OnPacket(peer, Verb.Ok, info, payload) == PacketResult.Trusted;
                break;
        }

        Received(peer, info, proves ? Verb.Ok : Verb.Nop, trusted);
    }

    private void HandleError(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < ControlPlane.ReplyHeaderSize + 1)
        {
            Drops.Add(DropReason.Malformed);
            return;
        }

        if ((ErrorCode)payload[9] != ErrorCode.IdentityCollision)
        {
            _client.OnPacket(peer, Verb.Error, info, payload);
        }
        else if (!peer.IsUpstream)
        {
            Drops.Add(DropReason.NotUpstream);
        }
        else if (!ExpectedReplies.Contains(BinaryPrimitives.ReadUInt64BigEndian(payload[1..]), peer.Id))
        {
            // ZeroTierOne 1.12 does not check that the error answers a request of ours, so a replayed one could stop it.
            Drops.Add(DropReason.Unexpected);
        }
        else
        {
            Vl1Log.Collision(_log, peer.Id, Id);
            using (_control.Enter())
            {
                _control.Tell(new Outbox.Notice(NoticeKind.Collision));
            }
        }
    }

    // Roots answer every WHOIS, leaves at a limited rate. One identity per answer, as ZeroTierOne 1.12 reads no more (2.23).
    private void AnswerWhois(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        using (_control.Enter())
        {
            long now = Now;
            if (!IsRoot)
            {
                if (now - peer.LastWhoisAnswer < Vl1Timing.WhoisAnswer)
                {
                    Drops.Add(DropReason.RateGate);
                    return;
                }

                peer.LastWhoisAnswer = now;
            }

            int questions = QuestionsFor(info);
            Span<byte> identity = stackalloc byte[NodeIdentity.BinarySize];
            Span<ulong> asked = stackalloc ulong[Vl1Limits.WhoisAddresses];
            for (int i = 0; i < asked.Length && payload.Length >= PacketHeader.AddressSize; i++)
            {
                var id = PacketHeader.ReadAddress(payload);
                payload = payload[PacketHeader.AddressSize..];
                asked[i] = id.Value;
                if (asked[..i].Contains(id.Value))
                {
                    continue;
                }

                var known = id == Id ? Identity : FindPeer(id)?.Identity ?? (IsRoot && _peers.TryFindCached(id, out var old) ? old.Identity : null);
                if (known is not null)
                {
                    known.WriteTo(identity);
                    if (!_control.EmitOk(peer, info, Verb.Whois, identity))
                    {
                        // The asker repeats WHOIS for the rest.
                        return;
                    }
                }
                else if (IsRoot && _upstreams.All.Count > 0 && !peer.IsUpstream && questions-- > 0)
                {
                    // One upstream WHOIS is enough: the asker repeats its own.
                    Whois(id, now, questions: 1);
                }
            }
        }
    }

    // Believed only from roots, and only what was asked for.
    private void HandleOkWhois(Peer peer, ReadOnlySpan<byte> data)
    {
        if (!peer.IsUpstream)
        {
            Drops.Add(DropReason.NotUpstream);
            return;
        }

        for (; WireIdentity.TryRead(data, out var identity); data = data[NodeIdentity.BinarySize..])
        {
            if (identity.Address == Id || FindPeer(identity.Address) is not null)
            {
                continue;
            }

            lock (_control.Lock)
            {
                if (!_whois.Contains(identity.Address))
                {
                    continue;
                }
            }

            if (SessionKeys.Agree(Identity, identity) is { } keys)
            {
                using (_control.Enter())
                {
                    AddPeer(identity, keys, Now);
                }
            }
        }
    }

    private void AnswerEcho(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > Vl1Batch.MaxPayload - ControlPlane.ReplyHeaderSize)
        {
            Drops.Add(DropReason.TooLong);
            return;
        }

        using (_control.Enter())
        {
            // The rate limit is per path; endpoints that are not paths share the peer's.
            long now = Now;
            var path = info.Hops == 0 ? peer.FindPath(info.Socket, info.Source) : null;
            if (now - (path?.LastEchoAnswer ?? peer.LastEchoAnswer) < Vl1Timing.EchoAnswer)
            {
                Drops.Add(DropReason.RateGate);
                return;
            }

            // A compressed ECHO from an unvalidated endpoint may be longer than the credit allows to return.
            if (!_control.EmitOk(peer, info, Verb.Echo, payload))
            {
                return;
            }

            if (path is not null)
            {
                path.LastEchoAnswer = now;
            }
            else
            {
                peer.LastEchoAnswer = now;
            }
        }
    }
}
