using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>Packets in the clear (docs/protocol/2-vl1.md 2.2.1): where others have the MAC is the number of the trusted path.</summary>
internal static class TrustedPacket
{
    private const int IdOffset = 19;

    /// <summary>Makes a packet with a written header one of a trusted path.</summary>
    public static void Mark(Span<byte> packet, ulong id)
    {
        packet[PacketHeader.FlagsOffset] =
            (byte)((packet[PacketHeader.FlagsOffset] & PacketHeader.FragmentedFlag) | ((byte)CipherSuite.TrustedPath << 3));
        BinaryPrimitives.WriteUInt64BigEndian(packet[IdOffset..], id);
    }

    /// <summary>The number of the trusted path.</summary>
    public static ulong Id(ReadOnlySpan<byte> packet) => BinaryPrimitives.ReadUInt64BigEndian(packet[IdOffset..]);
}
