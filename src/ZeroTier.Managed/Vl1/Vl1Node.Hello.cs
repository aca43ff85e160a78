using System.Buffers.Binary;
using ZeroTier.Managed.Vl1.RootService;

namespace ZeroTier.Managed.Vl1;

/// <content>HELLO and its answer, collisions, planet updates (docs/protocol/2-vl1.md 2.6.2, 2.8.3, 2.21).</content>
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
        AcceptHello(peer, hello, info);
    }

    private void AcceptHello(Peer peer, in HelloMessage hello, in PacketInfo info)
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
            var planet = _planet;

            // An unvalidated endpoint gets the planet with a later HELLO; its credit is needed for our own HELLO first.
            const int BareSize = 34;
            bool newer = hello.Planet.Id == planet.Id && hello.Planet.Timestamp < planet.Timestamp && peer.IsProven(info);
            Span<byte> data = stackalloc byte[BareSize + (newer ? planet.Bytes.Length : 0)];
            int length = OkHelloMessage.Write(data, hello.Timestamp, seen, newer ? planet.Bytes : default);

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

        var update = peer.IsUpstream ? FindUpdate(ok.Worlds) : null;
        using (_control.Enter())
        {
            long now = Now;
            if (update is not null && update.Timestamp > _planet.Timestamp)
            {
                UsePlanet(update);
                _control.Tell(new Outbox.Notice(NoticeKind.PlanetUpdated, Planet: update));
                Vl1Log.PlanetUpdated(_log, peer.Id, update.Id, update.Timestamp);
            }

            peer.Version = ok.Version;
            if (info.Hops == 0)
            {
                peer.FindPath(info.Socket, info.Source)?.AddLatencySample(now + _control.StartUnixMilliseconds - (long)ok.Timestamp);
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

    // The signature is verified outside the lock; under the lock the timestamp is compared again.
    private Planet? FindUpdate(ReadOnlySpan<byte> worlds)
    {
        while (Planet.TryRead(worlds, out var candidate, out int length))
        {
            if (candidate.CanReplace(_planet))
            {
                return candidate;
            }

            worlds = worlds[length..];
        }

        return null;
    }

    // Makes the planet's roots our upstreams; those of the former planet become ordinary peers.
    private void UsePlanet(Planet planet)
    {
        long now = Now;
        _planet = planet;
        _loopbackOnly = planet.IsLoopbackOnly;
        bool isRoot = planet.Roots.Any(root => root.Identity.Equals(Identity));
        _rootServer = isRoot ? _rootServer ?? new RootServer(_control, _peers, this) : null;
        foreach (var former in _upstreams.All)
        {
            former.IsUpstream = false;
            former.RootEndPoints = [];
        }

        _upstreams.All.Clear();
        foreach (var root in planet.Roots)
        {
            if (root.Identity.Address == Id)
            {
                continue;
            }

            var peer = FindOrRestore(root.Identity.Address);
            if (peer is null)
            {
                if (SessionKeys.Agree(Identity, root.Identity) is not { } keys)
                {
                    continue;
                }

                peer = AddPeer(root.Identity, keys, now, mayEvictAnybody: true)!;
            }
            else if (!peer.Identity.Equals(root.Identity))
            {
                continue;
            }

            peer.IsUpstream = true;
            peer.RootEndPoints = root.EndPoints;
            _upstreams.All.Add(peer);
        }

        _upstreams.Choose(now);
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
