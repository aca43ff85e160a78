using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Vl1.Admission;
using ZeroTier.Managed.Vl1.Lookup;
using ZeroTier.Managed.Vl1.Reachability;
using ZeroTier.Managed.Vl1.Roots;
using ZeroTier.Managed.Vl1.Worlds;

namespace ZeroTier.Managed.Vl1.Receive;

/// <summary>Handles HELLO, its answer, and address collisions (docs/protocol/2-vl1.md 2.6.2, 2.21).</summary>
internal sealed class HelloHandler(
    ControlPlane control,
    PeerTable peers,
    WorldsInUse worldsInUse,
    Upstreams upstreams,
    HelloSender helloSender,
    AmplificationLimits amplification,
    Router router,
    OwnEndPoints ownEndPoints,
    PeerDirectory directory,
    WorldUpdates worldUpdates,
    OnlineState onlineState,
    TwinWatch twins,
    Arrivals arrivals,
    ILogger log) : IAdmissionHost
{
    private const byte FirstProtocolWithPort = 5;

    private long _lastPlanetQuestion = Vl1Timing.Never;
    private long _lastCollisionWarning = Vl1Timing.Never;

    Peer? IAdmissionHost.FindPeer(NodeId id) => peers.Find(id);

    bool IAdmissionHost.IsCached(NodeIdentity identity) => directory.IsCached(identity);

    /// <summary>Authenticates and answers an unencrypted HELLO of a known peer.</summary>
    public void Receive(Peer peer, in HelloMessage hello, Span<byte> packet, in PacketInfo info)
    {
        if (!peer.Keys.TryOpen(packet))
        {
            control.Drops.Add(DropReason.Mac);
            return;
        }

        amplification.Earn(peer, info, Verb.Hello);
        Span<WorldVersion> moons = stackalloc WorldVersion[Vl1Limits.Moons];
        int count = 0;
        if (hello.TailOffset != 0 && worldsInUse.Current.Moons.Count > 0)
        {
            int tail = PacketHeader.Size + hello.TailOffset;
            peer.Keys.CryptHelloTail(packet, tail);
            count = HelloMessage.ReadMoons(packet[tail..], moons);
        }

        Accept(peer, hello, info, moons[..count]);
    }

    /// <summary>Answers an authenticated HELLO.</summary>
    public void Accept(Peer peer, in HelloMessage hello, in PacketInfo info, ReadOnlySpan<WorldVersion> moons = default)
    {
        using (control.Enter())
        {
            long now = control.Now;
            if (info.Hops == 0)
            {
                NoteOwnPlace(peer, hello.SentTo);
                ownEndPoints.OnReported(peer, info, hello.SentTo, now);
            }

            var seen = hello.Version.Protocol < FirstProtocolWithPort ? info.Source.WithPort(0) : info.Source;
            var planet = worldsInUse.Current.Planet;

            // An unvalidated endpoint is sent newer worlds only in the answer to a later HELLO: its credit is needed for our HELLO first.
            ReadOnlySpan<byte> newer = peer.IsProven(info) ? worldUpdates.NewerThan(hello.Planet, moons) : default;
            Span<byte> data = stackalloc byte[OkHelloMessage.MaxSizeWithoutWorlds + newer.Length];
            int length = OkHelloMessage.Write(data, hello.Timestamp, seen, newer);

            // The cipher suite of the answer follows the version known before this HELLO: suite 1, which every version supports, when there
            // was none.
            control.EmitOk(peer, info, Verb.Hello, data[..length]);
            peer.Version = hello.Version;
            router.Reroute(peer, now);
            if (now - peer.LastTrust < Vl1Timing.Trust && now - peer.LastHelloNotice >= Vl1Timing.HelloNotice)
            {
                peer.LastHelloNotice = now;
                control.Tell(new Outbox.Notice(NoticeKind.PeerGreeted, peer));
            }

            if (peer.IsUpstream && hello.Planet.Id == planet.Id && hello.Planet.Timestamp > planet.Timestamp
                && now - _lastPlanetQuestion >= Vl1Timing.ConfirmInterval)
            {
                // The root has a newer planet, but could not send it while our endpoint was not validated there. Our answer validates it,
                // so ask again.
                _lastPlanetQuestion = now;
                helloSender.Send(peer, info.Socket, info.Source);
            }
        }

        arrivals.Received(peer, info, Verb.Hello, trusted: false);
    }

    /// <summary>Handles the answer to a HELLO of ours: version, latency, our external address, newer worlds.</summary>
    public void OnAnswer(Peer peer, in PacketInfo info, ReadOnlySpan<byte> data)
    {
        if (!OkHelloMessage.TryRead(data, out var ok))
        {
            control.Drops.Add(DropReason.Malformed);
            return;
        }

        if (ok.Version.Protocol < PeerVersion.MinProtocol)
        {
            control.Drops.Add(DropReason.HelloVersion);
            return;
        }

        var updates = worldUpdates.FindUpdates(ok.Worlds, peer);
        using (control.Enter())
        {
            long now = control.Now;
            foreach (var update in updates)
            {
                worldUpdates.Use(update, peer.Id);
            }

            peer.Version = ok.Version;
            if (info.Hops == 0)
            {
                if (peer.FindPath(info.Socket, info.Source) is { } path)
                {
                    int sample = path.AddLatencySample(now + control.StartUnixMilliseconds - (long)ok.Timestamp);
                    control.Tell(new Outbox.Notice(NoticeKind.RoundTrip, RoundTrip: sample));
                }

                NoteOwnPlace(peer, ok.Seen);
                ownEndPoints.OnReported(peer, info, ok.Seen, now);
            }

            if (peer.IsUpstream)
            {
                peer.LastReceived = now;
                upstreams.Choose(now);
                onlineState.Set(true);
            }

            router.Reroute(peer, now);
        }
    }

    private void NoteOwnPlace(Peer peer, in InetEndPoint place)
    {
        if (peer.IsUpstream)
        {
            twins.NoteOwnPlace(place);
        }
    }

    void IAdmissionHost.SendChallenge(Newcomer newcomer)
    {
        using (control.Enter())
        {
            if (control.IsDisposed)
            {
                return;
            }

            Span<byte> id = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(id, newcomer.Challenge);
            Span<byte> payload = stackalloc byte[HelloMessage.MaxSize];
            int length = helloSender.Write(payload, newcomer.Info.Source);
            var (socket, source) = (newcomer.Info.Socket, newcomer.Info.Source);
            control.EmitWithId(
                id,
                newcomer.Keys,
                newcomer.Identity.Address,
                Verb.Hello,
                payload[..length],
                CipherSuite.Poly1305,
                socket,
                source,
                PathMtu.Base);
        }
    }

    void IAdmissionHost.Admit(Newcomer newcomer)
    {
        Peer? peer;
        using (control.Enter())
        {
            peer = directory.Add(newcomer.Identity, newcomer.Keys, control.Now);
        }

        if (peer is null)
        {
            return;
        }

        if (newcomer.HasAnswered)
        {
            // It has answered our challenge from this endpoint, which therefore becomes its first path.
            arrivals.Received(peer, newcomer.Info, Verb.Ok, trusted: false);
        }

        amplification.Earn(peer, newcomer.Info, Verb.Hello);
        Accept(peer, newcomer.Hello, newcomer.Info);
    }

    void IAdmissionHost.OnHelloOfPeer(Peer peer, in HelloMessage hello, Span<byte> packet, in PacketInfo info) =>
        Receive(peer, hello, packet, info);

    // As 2.21 advises: the ERROR is encrypted with the newcomer's keys and suite 1, which every version supports.
    void IAdmissionHost.OnCollision(Newcomer newcomer)
    {
        Span<byte> payload = stackalloc byte[10];
        payload[0] = (byte)Verb.Hello;
        BinaryPrimitives.WriteUInt64BigEndian(payload[1..], newcomer.Info.PacketId);
        payload[9] = (byte)ErrorCode.IdentityCollision;
        using (control.Enter())
        {
            control.Emit(
                newcomer.Keys,
                newcomer.Identity.Address,
                Verb.Error,
                payload,
                CipherSuite.Salsa20Poly1305,
                newcomer.Info.Socket,
                newcomer.Info.Source,
                PathMtu.Base);
            long now = control.Now;
            if (now - _lastCollisionWarning >= Vl1Timing.CollisionWarning)
            {
                _lastCollisionWarning = now;
                Vl1Log.ForeignCollision(log, newcomer.Identity.Address, newcomer.Info.Source);
            }
        }
    }

    void IAdmissionHost.OnFailed(Exception exception)
    {
        control.Drops.Add(DropReason.Internal);
        Vl1Log.AdmissionFailed(log, exception);
    }
}
