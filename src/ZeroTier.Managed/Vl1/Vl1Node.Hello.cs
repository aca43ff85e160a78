using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1;

/// <content>HELLO and its answer, collisions (docs/protocol/2-vl1.md 2.6.2, 2.21).</content>
internal sealed partial class Vl1Node
{
    private const byte FirstProtocolWithPort = 5;

    // A HELLO in suite 0 carries the identity that opens it. Of a known peer it is checked here; all others wait for a thread that has time for them.
    private void ReceiveClearHello(Span<byte> packet, in PacketInfo info)
    {
        var payload = packet[PacketHeader.Size..];
        if (!payload.IsEmpty && payload[0] < PeerVersion.MinProtocol)
        {
            Drops.Add(DropReason.HelloVersion);
            return;
        }

        if (!HelloMessage.TryReadSender(payload, out var sender))
        {
            Drops.Add(DropReason.Malformed);
            return;
        }

        if (sender != PacketHeader.Source(packet))
        {
            Drops.Add(DropReason.HelloIdentity);
            return;
        }

        if ((FindPeer(sender) ?? RestoreForStranger(sender, info.Source, info.Length)) is not { } peer)
        {
            _admission.Add(sender, packet, info);
        }
        else if (!HelloMessage.TryRead(payload, out var hello))
        {
            Drops.Add(DropReason.Malformed);
        }
        else if (!peer.Identity.Equals(hello.Identity))
        {
            _admission.Add(sender, packet, info);
        }
        else
        {
            ReceiveHelloOf(peer, hello, packet, info);
        }
    }

    private void ReceiveHelloOf(Peer peer, in HelloMessage hello, Span<byte> packet, in PacketInfo info)
    {
        if (!peer.Keys.TryOpen(packet))
        {
            Drops.Add(DropReason.Mac);
            return;
        }

        Earn(peer, info, Verb.Hello);
        Span<WorldVersion> moons = stackalloc WorldVersion[Vl1Limits.Moons];
        int count = 0;
        if (hello.TailOffset != 0 && !_worlds.Moons.IsEmpty)
        {
            int tail = PacketHeader.Size + hello.TailOffset;
            peer.Keys.CryptHelloTail(packet, tail);
            count = HelloMessage.ReadMoons(packet[tail..], moons);
        }

        AcceptHello(peer, hello, info, moons[..count]);
    }

    private void AcceptHello(Peer peer, in HelloMessage hello, in PacketInfo info, ReadOnlySpan<WorldVersion> moons = default)
    {
        using (_control.Enter())
        {
            long now = Now;
            if (info.Hops == 0)
            {
                NoteOwnPlace(peer, hello.SentTo);
                NoteSurface(peer, info, hello.SentTo, now);
            }

            var seen = hello.Version.Protocol < FirstProtocolWithPort ? info.Source.WithPort(0) : info.Source;
            var planet = _worlds.Planet;

            // An unvalidated endpoint gets newer worlds with a later HELLO; its credit is needed for our own HELLO first.
            ReadOnlySpan<byte> newer = peer.IsProven(info) ? WorldsNewerThan(hello.Planet, moons) : default;
            Span<byte> data = stackalloc byte[OkHelloMessage.MaxSizeWithoutWorlds + newer.Length];
            int length = OkHelloMessage.Write(data, hello.Timestamp, seen, newer);

            // The answer's cipher follows the version known before this HELLO: an unknown peer gets suite 1, which every version reads.
            _control.EmitOk(peer, info, Verb.Hello, data[..length]);
            peer.Version = hello.Version;
            Reroute(peer, now);
            if (now - peer.LastTrust < Vl1Timing.Trust && now - peer.LastHelloNotice >= Vl1Timing.HelloNotice)
            {
                peer.LastHelloNotice = now;
                _control.Tell(new Outbox.Notice(NoticeKind.PeerGreeted, peer));
            }

            if (peer.IsUpstream && hello.Planet.Id == planet.Id && hello.Planet.Timestamp > planet.Timestamp
                && now - _lastPlanetQuestion >= Vl1Timing.ConfirmInterval)
            {
                // It could not send its newer planet before our endpoint was validated, which the answer above has done; so ask again.
                _lastPlanetQuestion = now;
                SendHello(peer, info.Socket, info.Source);
            }
        }

        Received(peer, info, Verb.Hello, trusted: false);
    }

    private bool HandleOkHello(Peer peer, in PacketInfo info, ReadOnlySpan<byte> data)
    {
        if (!OkHelloMessage.TryRead(data, out var ok))
        {
            Drops.Add(DropReason.Malformed);
            return false;
        }

        if (ok.Version.Protocol < PeerVersion.MinProtocol)
        {
            Drops.Add(DropReason.HelloVersion);
            return false;
        }

        var updates = FindUpdates(ok.Worlds, peer);
        using (_control.Enter())
        {
            long now = Now;
            foreach (var update in updates)
            {
                UseUpdate(update, peer.Id);
            }

            peer.Version = ok.Version;
            if (info.Hops == 0)
            {
                if (peer.FindPath(info.Socket, info.Source) is { } path)
                {
                    int sample = path.AddLatencySample(now + _control.StartUnixMilliseconds - (long)ok.Timestamp);
                    _control.Tell(new Outbox.Notice(NoticeKind.RoundTrip, RoundTrip: sample));
                }

                NoteOwnPlace(peer, ok.Seen);
                NoteSurface(peer, info, ok.Seen, now);
            }

            if (peer.IsUpstream)
            {
                peer.LastReceived = now;
                _upstreams.Choose(now);
                SetOnline(true);
            }

            Reroute(peer, now);
        }

        return true;
    }

    private void NoteOwnPlace(Peer peer, in InetEndPoint place)
    {
        if (peer.IsUpstream)
        {
            _twins.NoteOwnPlace(place);
        }
    }

    private void NoteSurface(Peer peer, in PacketInfo info, in InetEndPoint seen, long now)
    {
        // Only roots and members of our networks are trusted: anyone else could make us announce a victim's address to all peers.
        bool believed = peer.IsUpstream || now - peer.LastTrust < Vl1Timing.Trust;
        if (seen.IsNone || !believed || !_externalAddresses.Add(peer.Id, peer.IsUpstream, info.Socket, info.Source, seen, now, _loopbackOnly))
        {
            return;
        }

        // 2.14: our address has changed. Paths of that kind are unusable until they answer.
        var scope = IpScopes.Of(seen);
        foreach (var other in _peers.All)
        {
            foreach (var path in other.Paths)
            {
                if (path.Scope == scope && path.EndPoint.Family == seen.Family && !path.Is(info.Socket, info.Source))
                {
                    path.NeedsValidation = true;
                    path.Mtu.Reset();
                    Probe(other, path.Socket, path.EndPoint);
                    Reroute(other, now);
                }
            }
        }
    }
}
