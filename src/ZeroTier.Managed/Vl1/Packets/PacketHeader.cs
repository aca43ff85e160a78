using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// Offsets and bits of the packet header (docs/protocol/2-vl1.md 2.2), and access to its fields. Callers check lengths first.
/// </summary>
internal static class PacketHeader
{
    /// <summary>Bytes before the payload: the header and the verb byte. Also the shortest packet.</summary>
    public const int Size = 28;

    /// <summary>Longest packet after reassembly.</summary>
    public const int MaxPacketSize = 10_024;

    /// <summary>Longest payload.</summary>
    public const int MaxPayloadSize = MaxPacketSize - Size;

    /// <summary>Bytes of an address.</summary>
    public const int AddressSize = 5;

    public const int DestinationOffset = 8;
    public const int SourceOffset = 13;
    public const int FlagsOffset = 18;
    public const int VerbOffset = 27;

    public const byte FragmentedFlag = 0x40;
    public const byte CompressedFlag = 0x80;
    public const byte HopsMask = 0x07;
    public const byte VerbMask = 0x1f;

    /// <summary>A packet that arrived with this many hops is not relayed again (2.15).</summary>
    public const int MaxHops = 3;

    public static ulong PacketId(ReadOnlySpan<byte> packet) => BinaryPrimitives.ReadUInt64BigEndian(packet);

    public static NodeId Destination(ReadOnlySpan<byte> packet) => ReadAddress(packet[DestinationOffset..]);

    public static NodeId Source(ReadOnlySpan<byte> packet) => ReadAddress(packet[SourceOffset..]);

    public static int Hops(ReadOnlySpan<byte> packet) => packet[FlagsOffset] & HopsMask;

    public static int Suite(ReadOnlySpan<byte> packet) => packet[FlagsOffset] >> 3 & 7;

    public static bool IsFragmented(ReadOnlySpan<byte> packet) => (packet[FlagsOffset] & FragmentedFlag) != 0;

    /// <summary>Reads a five-byte address.</summary>
    public static NodeId ReadAddress(ReadOnlySpan<byte> bytes) =>
        new((ulong)bytes[0] << 32 | BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]));

    /// <summary>Writes a five-byte address.</summary>
    public static void WriteAddress(Span<byte> bytes, NodeId id)
    {
        bytes[0] = (byte)(id.Value >> 32);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], (uint)id.Value);
    }

    /// <summary>
    /// Writes the header and verb of a packet before it is armored: a random ID that was never used, the addresses, hops 0. The other flags
    /// and the MAC are written by <see cref="SessionKeys.Arm"/>.
    /// </summary>
    public static void Write(
        Span<byte> packet, ReadOnlySpan<byte> id, NodeId destination, NodeId source, Verb verb, bool fragmented = false)
    {
        id.CopyTo(packet);
        WriteAddress(packet[DestinationOffset..], destination);
        WriteAddress(packet[SourceOffset..], source);
        packet[FlagsOffset] = fragmented ? FragmentedFlag : (byte)0;
        packet.Slice(FlagsOffset + 1, 8).Clear();
        packet[VerbOffset] = (byte)verb;
    }
}
