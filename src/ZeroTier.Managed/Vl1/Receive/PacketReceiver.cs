using System.Buffers;
using ZeroTier.Managed.Crypto;
using ZeroTier.Managed.Vl1.Admission;
using ZeroTier.Managed.Vl1.Lookup;
using ZeroTier.Managed.Vl1.Reachability;
using ZeroTier.Managed.Vl1.Roots;
using ZeroTier.Managed.Vl1.RootService;
using ZeroTier.Managed.Vl1.Worlds;

namespace ZeroTier.Managed.Vl1.Receive;

/// <summary>Turns datagrams into decrypted packets: reassembly, authentication, decryption (docs/protocol/2-vl1.md 2.2.4).</summary>
internal sealed class PacketReceiver(
    ControlPlane control,
    PeerTable peers,
    PathRules rules,
    TrustedPaths trusted,
    WorldsInUse worldsInUse,
    PacketReassembly reassembly,
    PacketQueue waiting,
    PeerDirectory directory,
    IdentityLookup lookup,
    WorldUpdates worldUpdates,
    IdentityAdmission admission,
    HelloHandler helloHandler,
    PacketDispatcher dispatcher)
{
    private const int BeaconSize = 13;

    // Marks a waiting packet that is still encrypted; no such verb exists.
    private const Verb ClosedPacket = (Verb)0xff;

    private long _lastBeaconAnswer = Vl1Timing.Never;

    /// <summary>Handles a datagram from the transport.</summary>
    public void Receive(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        if (!rules.MayComeFrom(source))
        {
            control.Drops.Add(DropReason.Address);
            return;
        }

        if (Fragments.IsFragment(datagram))
        {
            ReceiveFragment(socket, source, datagram);
            return;
        }

        if (datagram.Length < PacketHeader.Size)
        {
            if (datagram.Length == BeaconSize)
            {
                AnswerBeacon(socket, source, datagram);
            }
            else
            {
                control.Drops.Add(DropReason.Short);
            }

            return;
        }

        if (PacketHeader.Source(datagram) == control.Id)
        {
            control.Drops.Add(DropReason.OwnSource);
            return;
        }

        var destination = PacketHeader.Destination(datagram);
        if (destination != control.Id)
        {
            RelayService()?.RelayHead(destination, socket, source, datagram);

            return;
        }

        var info = new PacketInfo(PacketHeader.PacketId(datagram), PacketHeader.Hops(datagram), socket, source);
        if (PacketHeader.IsFragmented(datagram))
        {
            Reassemble(info, 0, 0, datagram);
        }
        else
        {
            Open(datagram, info);
        }
    }

    /// <summary>
    /// Processes again the packets that waited for the given peer's identity, and all packets on hold, since that identity may be the
    /// signer of credentials that they need.
    /// </summary>
    public void Retry(Peer? arrived)
    {
        var packets = new List<WaitingPacket>();
        lock (control.Lock)
        {
            waiting.Take(packet => packet.Verb != ClosedPacket || packet.Node == arrived?.Id, packets);
        }

        foreach (var packet in packets)
        {
            try
            {
                if (packet.Verb == ClosedPacket)
                {
                    Open(packet.Bytes, packet.Info);
                }
                else if (peers.Find(packet.Node) is { } peer)
                {
                    dispatcher.Offer(peer, packet.Verb, packet.Info, packet.Bytes, packet.Expires);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(packet.Buffer);
            }
        }
    }

    // Only roots relay (docs/protocol/2-vl1.md 2.15).
    private RootServer? RelayService()
    {
        var service = worldUpdates.RootServer;
        if (service is null)
        {
            control.Drops.Add(DropReason.NotRelayed);
        }

        return service;
    }

    private void ReceiveFragment(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        var destination = PacketHeader.Destination(datagram);
        if (destination != control.Id)
        {
            RelayService()?.RelayFragment(destination, source, datagram);
            return;
        }

        int total = datagram[Fragments.CountOffset] >> 4;
        int piece = datagram[Fragments.CountOffset] & 0x0f;
        if (total is < 2 or > Fragments.MaxPieces || piece == 0 || piece >= total)
        {
            control.Drops.Add(DropReason.Fragment);
            return;
        }

        var info = new PacketInfo(PacketHeader.PacketId(datagram), datagram[Fragments.HopsOffset] & PacketHeader.HopsMask, socket, source);
        Reassemble(info, piece, total, datagram[Fragments.HeaderSize..]);
    }

    private void Reassemble(in PacketInfo info, int piece, int total, ReadOnlySpan<byte> data)
    {
        if (!reassembly.TableOf(info.PacketId).TryComplete(
            info.PacketId, piece, total, info, data, control.LatelyNow, out byte[]? packet, out int length, out var headInfo))
        {
            return;
        }

        try
        {
            Open(packet.AsSpan(0, length), headInfo);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packet!);
        }
    }

    // Authenticates, decrypts in place and dispatches a whole packet addressed to us (docs/protocol/1-identity-and-crypto.md 1.14).
    private void Open(Span<byte> packet, in PacketInfo arrived)
    {
        var info = arrived with { Length = packet.Length };
        int suite = PacketHeader.Suite(packet);
        if (suite > (int)CipherSuite.AesGmacSiv || (suite == (int)CipherSuite.TrustedPath && !MayTrust(packet, info)))
        {
            control.Drops.Add(DropReason.Suite);
            return;
        }

        if (suite == (int)CipherSuite.Poly1305 && (Verb)(packet[PacketHeader.VerbOffset] & PacketHeader.VerbMask) == Verb.Hello)
        {
            ReceiveClearHello(packet, info);
            return;
        }

        var source = PacketHeader.Source(packet);
        if ((peers.Find(source) ?? directory.RestoreForStranger(source, info.Source, info.Length)) is not { } peer)
        {
            if (!admission.TryTakeAnswer(source, packet, info))
            {
                WaitForIdentity(source, packet, info);
            }

            return;
        }

        if (suite == (int)CipherSuite.TrustedPath)
        {
            // Only from a node whose endpoint was validated by encrypted packets, and that is neither a root nor the seed of a moon.
            if (peer.IsUpstream
                || worldsInUse.Current.IsSeed(peer.Id)
                || peer.FindPath(info.Socket, info.Source) is not { TrustedId: not 0 })
            {
                control.Drops.Add(DropReason.Suite);
                return;
            }
        }
        else if (!peer.Keys.TryOpen(packet))
        {
            control.Drops.Add(DropReason.Mac);
            return;
        }

        byte verb = packet[PacketHeader.VerbOffset];
        var payload = packet[PacketHeader.Size..];
        if ((verb & PacketHeader.CompressedFlag) != 0 && !payload.IsEmpty)
        {
            DispatchCompressed(peer, (Verb)(verb & PacketHeader.VerbMask), info, payload);
        }
        else
        {
            dispatcher.Dispatch(peer, (Verb)(verb & PacketHeader.VerbMask), info, payload);
        }
    }

    // An unencrypted packet is accepted only if it was not relayed, and it must not be HELLO: an identity is never accepted without
    // authentication. A root accepts none at all.
    private bool MayTrust(ReadOnlySpan<byte> packet, in PacketInfo info) =>
        info.Hops == 0
        && !worldsInUse.IsRoot
        && (Verb)(packet[PacketHeader.VerbOffset] & PacketHeader.VerbMask) != Verb.Hello
        && trusted.Trusts(info.Source, TrustedPacket.Id(packet));

    private void DispatchCompressed(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PacketHeader.MaxPayloadSize);
        try
        {
            if (Lz4Block.TryDecode(payload, buffer.AsSpan(0, PacketHeader.MaxPayloadSize), out int length))
            {
                dispatcher.Dispatch(peer, verb, info, buffer.AsSpan(0, length));
            }
            else
            {
                control.Drops.Add(DropReason.Compression);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // A HELLO in suite 0 is not encrypted and contains the identity needed to authenticate it. From a known peer it is handled here; from
    // others it is queued for IdentityAdmission.
    private void ReceiveClearHello(Span<byte> packet, in PacketInfo info)
    {
        var payload = packet[PacketHeader.Size..];
        if (!payload.IsEmpty && payload[0] < PeerVersion.MinProtocol)
        {
            control.Drops.Add(DropReason.HelloVersion);
            return;
        }

        if (!HelloMessage.TryReadSender(payload, out var sender))
        {
            control.Drops.Add(DropReason.Malformed);
            return;
        }

        if (sender != PacketHeader.Source(packet))
        {
            control.Drops.Add(DropReason.HelloIdentity);
            return;
        }

        if ((peers.Find(sender) ?? directory.RestoreForStranger(sender, info.Source, info.Length)) is not { } peer)
        {
            admission.Add(sender, packet, info);
        }
        else if (!HelloMessage.TryRead(payload, out var hello, peer.Identity))
        {
            control.Drops.Add(DropReason.Malformed);
        }
        else if (!peer.Identity.Equals(hello.Identity))
        {
            admission.Add(sender, packet, info);
        }
        else
        {
            helloHandler.Receive(peer, hello, packet, info);
        }
    }

    // Queues a packet of an unknown sender, and asks a root for the sender's identity.
    private void WaitForIdentity(NodeId source, ReadOnlySpan<byte> packet, in PacketInfo info)
    {
        using (control.Enter())
        {
            long now = control.Now;
            if (lookup.Whois(source, now, IdentityLookup.QuestionsFor(info)))
            {
                waiting.Add(source, ClosedPacket, info, packet, now + Vl1Timing.QueueLifetime);
            }
            else
            {
                control.Drops.Add(DropReason.UnknownSource);
            }
        }
    }

    // 2.6.17: a LAN beacon of old versions, which contains the sender's address; a known peer is sent a NOP.
    private void AnswerBeacon(int socket, in InetEndPoint source, ReadOnlySpan<byte> beacon)
    {
        using (control.Enter())
        {
            long now = control.Now;
            if (peers.Find(PacketHeader.ReadAddress(beacon[8..])) is not { } peer || now - _lastBeaconAnswer < Vl1Timing.BeaconAnswer)
            {
                return;
            }

            // From an unvalidated endpoint two beacons are needed, since a NOP is more than twice as long as a beacon.
            peer.UnprovenPlaces.Earn(source, beacon.Length, now);
            if (peer.FindPath(socket, source) is not null || peer.UnprovenPlaces.TrySpend(source, PacketHeader.Size))
            {
                _lastBeaconAnswer = now;
                control.Emit(peer, Verb.Nop, [], peer.Suite, socket, source);
            }
        }
    }
}
