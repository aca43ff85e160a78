using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>The payload of RENDEZVOUS (docs/protocol/2-vl1.md 2.6.6).</summary>
internal readonly record struct RendezvousMessage(NodeId Peer, InetEndPoint EndPoint)
{
    /// <summary>Longest payload.</summary>
    public const int MaxSize = 9 + 16;

    public static bool TryRead(ReadOnlySpan<byte> payload, out RendezvousMessage message)
    {
        message = default;
        if (payload.Length < 9 || payload[8] is not (4 or 16) || payload.Length < 9 + payload[8])
        {
            return false;
        }

        message = new RendezvousMessage(
            PacketHeader.ReadAddress(payload[1..]),
            InetEndPoint.FromBytes(payload.Slice(9, payload[8]), BinaryPrimitives.ReadUInt16BigEndian(payload[6..])));
        return true;
    }

    public int Write(Span<byte> payload)
    {
        payload[0] = 0;
        PacketHeader.WriteAddress(payload[1..], Peer);
        BinaryPrimitives.WriteUInt16BigEndian(payload[6..], EndPoint.Port);
        payload[8] = (byte)EndPoint.AddressLength;
        return 9 + EndPoint.WriteAddress(payload[9..]);
    }
}
