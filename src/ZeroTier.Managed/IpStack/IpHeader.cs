using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>Writing IP headers, and the offsets of their fields.</summary>
internal static class IpHeader
{
    public const int IPv4Length = 20;
    public const int IPv6Length = 40;
    public const int IPv6FragmentLength = 8;

    /// <summary>RFC 8200, 5: the least MTU of any IPv6 link.</summary>
    public const int IPv6MinimumMtu = 1280;

    /// <summary>IPv4 flags and fragment offset: don't fragment, more fragments.</summary>
    public const ushort DontFragment = 0x4000;
    public const ushort MoreFragments = 0x2000;
    public const ushort FragmentOffsetMask = 0x1fff;

    private const byte DefaultHopLimit = 64;

    /// <summary>RFC 1112, 6.1 and RFC 3493, 5.2: by default multicast stays on the link.</summary>
    private const byte GroupHopLimit = 1;

    /// <summary>RFC 4861, 7.1: shows the receiver that no router has forwarded a neighbour discovery packet.</summary>
    private const byte LinkHopLimit = 255;

    public static int LengthFor(in IpAddress destination) => destination.IsIPv4 ? IPv4Length : IPv6Length;

    /// <summary>Writes the header of an unfragmented packet.</summary>
    public static void Write(
        Span<byte> packet, in IpAddress source, in IpAddress destination, IpProtocol protocol, int payloadLength, bool linkScope)
    {
        if (destination.IsIPv4)
        {
            // RFC 6864, 4.1: a packet with Don't Fragment set needs no identification.
            packet[0] = 0x45;
            packet[1] = 0;
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)(IPv4Length + payloadLength));
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], 0);
            BinaryPrimitives.WriteUInt16BigEndian(packet[6..], DontFragment);
            packet[8] = destination.IsMulticast ? GroupHopLimit : DefaultHopLimit;
            packet[9] = (byte)protocol;
            source.Write(packet[12..]);
            destination.Write(packet[16..]);
            WriteIPv4Checksum(packet);
            return;
        }

        BinaryPrimitives.WriteUInt32BigEndian(packet, 0x6000_0000);
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)payloadLength);
        packet[6] = (byte)protocol;
        packet[7] = linkScope ? LinkHopLimit : destination.IsMulticast ? GroupHopLimit : DefaultHopLimit;
        source.Write(packet[8..]);
        destination.Write(packet[24..]);
    }

    public static void WriteIPv4Checksum(Span<byte> header)
    {
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetChecksum.Compute(header[..IPv4Length]));
    }
}
