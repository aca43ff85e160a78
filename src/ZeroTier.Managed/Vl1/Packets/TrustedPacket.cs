using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// Unencrypted packets of trusted paths (docs/protocol/2-vl1.md 2.2.1): the MAC field holds the ID of the trusted path instead.
/// </summary>
internal static class TrustedPacket
{
    private const int IdOffset = 19;

    /// <summary>Marks a packet, whose header is written, as one of a trusted path.</summary>
    public static void Mark(Span<byte> packet, ulong id)
    {
        packet[PacketHeader.FlagsOffset] =
            (byte)((packet[PacketHeader.FlagsOffset] & PacketHeader.FragmentedFlag) | ((byte)CipherSuite.TrustedPath << 3));
        BinaryPrimitives.WriteUInt64BigEndian(packet[IdOffset..], id);
    }

    /// <summary>The ID of the trusted path.</summary>
    public static ulong Id(ReadOnlySpan<byte> packet) => BinaryPrimitives.ReadUInt64BigEndian(packet[IdOffset..]);
}
