using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Vl1.Lookup;
using ZeroTier.Managed.Vl1.Reachability;
using ZeroTier.Managed.Vl1.Roots;

namespace ZeroTier.Managed.Vl1.Receive;

/// <summary>Dispatches authenticated packets by verb (docs/protocol/2-vl1.md 2.6).</summary>
internal sealed class PacketDispatcher(
    ControlPlane control,
    IVl1Client client,
    PacketQueue waiting,
    AmplificationLimits amplification,
    PathValidation pathValidation,
    MtuDiscovery mtuDiscovery,
    IdentityLookup lookup,
    WorldUpdates worldUpdates,
    Arrivals arrivals,
    HelloHandler helloHandler,
    PathMessages pathMessages,
    ILogger log)
{
    /// <summary>Handles an authenticated packet. A rejected packet does not update the state of its path.</summary>
    public void Dispatch(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        amplification.Earn(peer, info, verb);

        // An OK comes on the route of its request, which need not be the route that the peer prefers.
        if (info.Hops != 0 && verb != Verb.Ok)
        {
            pathValidation.Revalidate(peer);
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
                    control.Drops.Add(DropReason.RateGate);
                    return;
                }

                Offer(peer, verb, info, payload, 0);
                return;
            case Verb.Hello:
                // A known peer may also send an encrypted HELLO.
                if (!HelloMessage.TryRead(payload, out var hello, peer.Identity) || !hello.Identity.Equals(peer.Identity))
                {
                    control.Drops.Add(DropReason.Malformed);
                    return;
                }

                if (hello.Version.Protocol < PeerVersion.MinProtocol)
                {
                    control.Drops.Add(DropReason.HelloVersion);
                    return;
                }

                helloHandler.Accept(peer, hello, info);
                return;
            case Verb.Ok:
                HandleOk(peer, info, payload);
                return;
            case Verb.Error:
                HandleError(peer, info, payload);
                break;
            case Verb.Whois:
                lookup.Answer(peer, info, payload);
                break;
            case Verb.Rendezvous:
                pathMessages.OnRendezvous(peer, info, payload);
                break;
            case Verb.Echo:
                AnswerEcho(peer, info, payload);
                break;
            case Verb.PushDirectPaths:
                pathMessages.OnPush(peer, payload);
                break;
        }

        arrivals.Received(peer, info, verb, trusted: false);
    }

    /// <summary>
    /// Passes a packet to the layer above and acts on its result. <paramref name="expires"/> is the deadline of a packet that was on hold,
    /// 0 for a new one.
    /// </summary>
    public void Offer(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload, long expires)
    {
        if (verb == Verb.MulticastLike)
        {
            worldUpdates.RootServer?.StoreLikes(peer, payload);
        }

        var result = client.OnPacket(peer, verb, info, payload);
        switch (result)
        {
            case PacketResult.Hold:
                lock (control.Lock)
                {
                    waiting.Add(peer.Id, verb, info, payload, expires == 0 ? control.Now + Vl1Timing.QueueLifetime : expires);
                }

                break;
            case PacketResult.Ignored when verb == Verb.NetworkConfigRequest && payload.Length >= 8:
                ReplyError(peer, info, verb, ErrorCode.UnsupportedOperation, payload[..8]);
                break;
            case PacketResult.Ignored when verb == Verb.MulticastGather:
                worldUpdates.RootServer?.AnswerGather(peer, info, payload);
                break;
        }

        arrivals.Received(peer, info, verb, result == PacketResult.Trusted);
    }

    /// <summary>Answers a packet with ERROR, to its source endpoint.</summary>
    public void ReplyError(Peer peer, in PacketInfo request, Verb requestVerb, ErrorCode code, ReadOnlySpan<byte> data)
    {
        ArgumentNullException.ThrowIfNull(peer);
        using (control.Enter())
        {
            control.EmitError(peer, request, requestVerb, code, data);
        }
    }

    private bool MayTakeCredentials(Peer peer)
    {
        lock (control.Lock)
        {
            long now = control.Now;
            if (now - peer.LastCredentials < Vl1Timing.Credentials)
            {
                return false;
            }

            peer.LastCredentials = now;
            return true;
        }
    }

    private void HandleOk(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < ControlPlane.ReplyHeaderSize)
        {
            control.Drops.Add(DropReason.Malformed);
            return;
        }

        // Only HELLO and ECHO have exactly one answer, so only their OK validates the source endpoint: with other verbs a replayed OK
        // could not be told from a second answer.
        var verb = (Verb)payload[0];
        bool proves = verb is Verb.Hello or Verb.Echo;
        ulong request = BinaryPrimitives.ReadUInt64BigEndian(payload[1..]);
        if (!(proves ? control.ExpectedReplies.TryTake(request, peer.Id) : control.ExpectedReplies.Contains(request, peer.Id)))
        {
            control.Drops.Add(DropReason.Unexpected);
            return;
        }

        bool trusted = false;
        switch (verb)
        {
            case Verb.Hello:
                // First, so that the path is learnt to which the latency sample belongs.
                arrivals.Received(peer, info, Verb.Ok, trusted: false);
                mtuDiscovery.OnProbeAnswered(peer, request);
                helloHandler.OnAnswer(peer, info, payload[ControlPlane.ReplyHeaderSize..]);
                return;
            case Verb.Whois:
                lookup.OnAnswer(peer, payload[ControlPlane.ReplyHeaderSize..]);
                break;
            case Verb.Echo:
                break;
            default:
                trusted = client.OnPacket(peer, Verb.Ok, info, payload) == PacketResult.Trusted;
                break;
        }

        arrivals.Received(peer, info, proves ? Verb.Ok : Verb.Nop, trusted);
    }

    private void HandleError(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < ControlPlane.ReplyHeaderSize + 1)
        {
            control.Drops.Add(DropReason.Malformed);
            return;
        }

        if ((ErrorCode)payload[9] != ErrorCode.IdentityCollision)
        {
            client.OnPacket(peer, Verb.Error, info, payload);
        }
        else if (!peer.IsUpstream)
        {
            control.Drops.Add(DropReason.NotUpstream);
        }
        else if (!control.ExpectedReplies.Contains(BinaryPrimitives.ReadUInt64BigEndian(payload[1..]), peer.Id))
        {
            // Must answer a request of ours. ZeroTierOne 1.12 does not check that, so a replayed ERROR could stop it.
            control.Drops.Add(DropReason.Unexpected);
        }
        else
        {
            Vl1Log.Collision(log, peer.Id, control.Id);
            using (control.Enter())
            {
                control.Tell(new Outbox.Notice(NoticeKind.Collision));
            }
        }
    }

    private void AnswerEcho(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > Vl1Batch.MaxPayload - ControlPlane.ReplyHeaderSize)
        {
            control.Drops.Add(DropReason.TooLong);
            return;
        }

        using (control.Enter())
        {
            // The rate limit is per path; endpoints that are not paths share the peer's.
            long now = control.Now;
            var path = info.Hops == 0 ? peer.FindPath(info.Socket, info.Source) : null;
            if (now - (path?.LastEchoAnswer ?? peer.LastEchoAnswer) < Vl1Timing.EchoAnswer)
            {
                control.Drops.Add(DropReason.RateGate);
                return;
            }

            // False when the source is not validated and a compressed ECHO was decompressed to more than the credit allows to return.
            if (!control.EmitOk(peer, info, Verb.Echo, payload))
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
