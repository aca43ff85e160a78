using ZeroTier.Managed.Vl1.Worlds;

namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>Writes and sends HELLO (docs/protocol/2-vl1.md 2.6.2). Under the control lock.</summary>
internal sealed class HelloSender(ControlPlane control, WorldsInUse worldsInUse, Upstreams upstreams)
{
    /// <summary>Sends HELLO to an endpoint from one socket.</summary>
    public void Send(Peer peer, int socket, in InetEndPoint endPoint)
    {
        // Only roots and moon seeds send definitions of moons, and only they are told which ones we use.
        WorldVersion[] moons = peer.IsUpstream || worldsInUse.Current.IsSeed(peer.Id) ? worldsInUse.Current.Announced : [];
        Span<byte> payload = stackalloc byte[HelloMessage.MaxSize];
        payload = payload[..Write(payload, endPoint, moons)];
        if (peer.IsForgotten)
        {
            return;
        }

        if (peer.FindPath(socket, endPoint) is { } path)
        {
            path.LastSent = control.Now;
        }

        int tail = HelloMessage.TailSizeFor(moons.Length);
        control.Emit(peer.Keys, peer.Id, Verb.Hello, payload, CipherSuite.Poly1305, socket, endPoint, PathMtu.Base, tail);
    }

    /// <summary>Sends HELLO to an endpoint from all sockets of its family.</summary>
    public void SendFromAll(Peer peer, in InetEndPoint endPoint)
    {
        for (int i = 0; i < control.Sockets.Count; i++)
        {
            if (control.Sockets[i].Family == endPoint.Family)
            {
                Send(peer, i, endPoint);
            }
        }
    }

    /// <summary>
    /// Sends HELLO through the best root, at a limited rate: otherwise relayed pairs would never learn each other's version, and so never
    /// use AES (2.23).
    /// </summary>
    /// <param name="peer">The receiver.</param>
    /// <param name="now">The time.</param>
    /// <param name="forItsPacket">Whether a packet of the peer is the cause; the peer's credit must then cover the HELLO.</param>
    public void SendThroughRoot(Peer peer, long now, bool forItsPacket = false)
    {
        if (!peer.IsUpstream && now - peer.LastRelayedHello >= Vl1Timing.RelayedHello && upstreams.Relay is { } relay
            && (!forItsPacket || peer.TrySpend(SizeTo(relay.EndPoint))))
        {
            peer.LastRelayedHello = now;
            Send(peer, relay.Socket, relay.EndPoint);
        }
    }

    /// <summary>Sends HELLO padded to a size, as a probe of the path's MTU. Returns its packet ID.</summary>
    public ulong SendOfSize(Peer peer, PeerPath path, int size)
    {
        Span<byte> payload = stackalloc byte[PathMtu.Max - PacketHeader.Size];
        payload = payload[..(size - PacketHeader.Size)];
        int length = Write(payload, path.EndPoint);
        payload[length..].Clear();
        path.LastSent = control.Now;
        int tail = payload.Length - length + HelloMessage.TailSize;
        return control.Emit(peer.Keys, peer.Id, Verb.Hello, payload, CipherSuite.Poly1305, path.Socket, path.EndPoint, size, tail);
    }

    /// <summary>Writes the payload of a HELLO; returns its length.</summary>
    public int Write(Span<byte> payload, in InetEndPoint to, ReadOnlySpan<WorldVersion> moons = default) =>
        HelloMessage.Write(
            payload,
            (ulong)(control.StartUnixMilliseconds + control.Now),
            control.Identity,
            to,
            worldsInUse.Current.Planet.World.Version,
            moons);

    /// <summary>Bytes of a HELLO without moons to an endpoint.</summary>
    public static int SizeTo(in InetEndPoint to) => PacketHeader.Size + HelloMessage.MaxSizeWithoutMoons - (to.AddressLength == 4 ? 12 : 0);
}
