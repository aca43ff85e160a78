using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed.Crypto;
using ZeroTier.Managed.Vl1.RootService;

namespace ZeroTier.Managed.Vl1;

/// <content>From the datagram to the open packet (docs/protocol/2-vl1.md 2.2.4).</content>
internal sealed partial class Vl1Node
{
    private const int BeaconSize = 13;

    /// <inheritdoc />
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What a stranger sent must never end the receive thread; it is counted and logged.")]
    public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        if (!_control.IsRunning)
        {
            return;
        }

        Traffic.AddReceived(datagram.Length);
        try
        {
            Receive(socket, source, datagram);
        }
        catch (Exception exception)
        {
            Drops.Add(DropReason.Internal);
            Vl1Log.Failed(_log, datagram.Length, exception);
        }
    }

    /// <inheritdoc />
    public void OnBatchEnd(int socket)
    {
        if (_control.IsRunning)
        {
            _client.OnBatchEnd();
        }
    }

    private void Receive(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        if (!MayComeFrom(source))
        {
            Drops.Add(DropReason.Address);
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
                Drops.Add(DropReason.Short);
            }

            return;
        }

        if (PacketHeader.Source(datagram) == Id)
        {
            Drops.Add(DropReason.OwnSource);
            return;
        }

        var destination = PacketHeader.Destination(datagram);
        if (destination != Id)
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

    // Leaves do not relay (docs/protocol/2-vl1.md 2.15).
    private RootServer? RelayService()
    {
        var service = _rootServer;
        if (service is null)
        {
            Drops.Add(DropReason.NotRelayed);
        }

        return service;
    }

    private void ReceiveFragment(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        var destination = PacketHeader.Destination(datagram);
        if (destination != Id)
        {
            RelayService()?.RelayFragment(destination, source, datagram);
            return;
        }

        int total = datagram[Fragments.CountOffset] >> 4;
        int piece = datagram[Fragments.CountOffset] & 0x0f;
        if (total is < 2 or > Fragments.MaxPieces || piece == 0 || piece >= total)
        {
            Drops.Add(DropReason.Fragment);
            return;
        }

        var info = new PacketInfo(PacketHeader.PacketId(datagram), datagram[Fragments.HopsOffset] & PacketHeader.HopsMask, socket, source);
        Reassemble(info, piece, total, datagram[Fragments.HeaderSize..]);
    }

    private void Reassemble(in PacketInfo info, int piece, int total, ReadOnlySpan<byte> data)
    {
        if (!_reassembly.TryComplete(info.PacketId, piece, total, info, data, Now, out byte[]? packet, out int length, out var headInfo))
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

    // Authenticates, decrypts in place and dispatches a whole packet for us (docs/protocol/1-identity-and-crypto.md 1.14).
    private void Open(Span<byte> packet, in PacketInfo arrived)
    {
        var info = arrived with { Length = packet.Length };
        int suite = PacketHeader.Suite(packet);
        if (suite > (int)CipherSuite.AesGmacSiv || (suite == (int)CipherSuite.TrustedPath && !MayTrust(packet, info)))
        {
            Drops.Add(DropReason.Suite);
            return;
        }

        if (suite == (int)CipherSuite.Poly1305 && (Verb)(packet[PacketHeader.VerbOffset] & PacketHeader.VerbMask) == Verb.Hello)
        {
            ReceiveClearHello(packet, info);
            return;
        }

        var source = PacketHeader.Source(packet);
        if ((FindPeer(source) ?? RestoreForStranger(source, info.Source, info.Length)) is not { } peer)
        {
            if (!_admission.TryTakeAnswer(source, packet, info))
            {
                WaitForIdentity(source, packet, info);
            }

            return;
        }

        if (suite == (int)CipherSuite.TrustedPath)
        {
            // Only of a node that has proven, by encrypted packets, to be at this place, and that is or becomes no root.
            if (peer.IsUpstream || _worlds.IsSeed(peer.Id) || peer.FindPath(info.Socket, info.Source) is not { TrustedId: not 0 })
            {
                Drops.Add(DropReason.Suite);
                return;
            }
        }
        else if (!peer.Keys.TryOpen(packet))
        {
            Drops.Add(DropReason.Mac);
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
            Dispatch(peer, (Verb)(verb & PacketHeader.VerbMask), info, payload);
        }
    }

    // In the clear comes only what a neighbour has sent itself, not what somebody relayed. Who a node is, is never taken without proof, nor what a root says.
    private bool MayTrust(ReadOnlySpan<byte> packet, in PacketInfo info) =>
        info.Hops == 0 && !IsRoot && (Verb)(packet[PacketHeader.VerbOffset] & PacketHeader.VerbMask) != Verb.Hello && _trusted.Trusts(info.Source, TrustedPacket.Id(packet));

    private void DispatchCompressed(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PacketHeader.MaxPayloadSize);
        try
        {
            if (Lz4Block.TryDecode(payload, buffer.AsSpan(0, PacketHeader.MaxPayloadSize), out int length))
            {
                Dispatch(peer, verb, info, buffer.AsSpan(0, length));
            }
            else
            {
                Drops.Add(DropReason.Compression);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // A packet of an unknown sender waits while a root is asked for the identity.
    private void WaitForIdentity(NodeId source, ReadOnlySpan<byte> packet, in PacketInfo info)
    {
        using (_control.Enter())
        {
            long now = Now;
            if (Whois(source, now, QuestionsFor(info)))
            {
                _waiting.Add(source, ClosedPacket, info, packet, now + Vl1Timing.QueueLifetime);
            }
            else
            {
                Drops.Add(DropReason.UnknownSource);
            }
        }
    }

    // Marks a waiting packet that is still encrypted; no such verb exists.
    private const Verb ClosedPacket = (Verb)0xff;

    // Retries packets that waited for the given peer's identity, and all packets on hold, since that identity may be a signer they need.
    private void Retry(Peer? arrived)
    {
        var packets = new List<WaitingPacket>();
        lock (_control.Lock)
        {
            _waiting.Take(packet => packet.Verb != ClosedPacket || packet.Node == arrived?.Id, packets);
        }

        foreach (var packet in packets)
        {
            try
            {
                if (packet.Verb == ClosedPacket)
                {
                    Open(packet.Bytes, packet.Info);
                }
                else if (FindPeer(packet.Node) is { } peer)
                {
                    Offer(peer, packet.Verb, packet.Info, packet.Bytes, packet.Expires);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(packet.Buffer);
            }
        }
    }

    // Packets are accepted only from endpoints that could be paths.
    private bool MayComeFrom(in InetEndPoint source) => source.Port != 0 && IsUsable(source);

    // 2.6.17: the address in an old LAN beacon; a known peer gets a NOP.
    private void AnswerBeacon(int socket, in InetEndPoint source, ReadOnlySpan<byte> beacon)
    {
        using (_control.Enter())
        {
            long now = Now;
            if (FindPeer(PacketHeader.ReadAddress(beacon[8..])) is not { } peer || now - _lastBeaconAnswer < Vl1Timing.BeaconAnswer)
            {
                return;
            }

            // From an unvalidated endpoint two beacons are needed: a NOP is more than twice as long as one.
            peer.UnprovenPlaces.Earn(source, beacon.Length, now);
            if (peer.FindPath(socket, source) is not null || peer.UnprovenPlaces.TrySpend(source, PacketHeader.Size))
            {
                _lastBeaconAnswer = now;
                _control.Emit(peer, Verb.Nop, [], peer.Suite, socket, source);
            }
        }
    }
}
