using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>The beginning of a packet, as an ICMP error quotes it.</summary>
internal static class QuotedPacket
{
    /// <summary>Finds the transport header of a packet that may be truncated, or be the first fragment of a packet.</summary>
    public static bool TryFindTransport(ReadOnlySpan<byte> packet, out IpProtocol protocol, out int offset)
    {
        protocol = IpProtocol.NoNextHeader;
        offset = 0;
        if (packet.Length < IpHeader.IPv4Length)
        {
            return false;
        }

        if (packet[0] >> 4 == 4)
        {
            protocol = (IpProtocol)packet[9];
            offset = (packet[0] & 0xf) * 4;
            return offset >= IpHeader.IPv4Length && (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & IpHeader.FragmentOffsetMask) == 0;
        }

        if (packet[0] >> 4 != 6 || packet.Length < IpHeader.IPv6Length)
        {
            return false;
        }

        protocol = (IpProtocol)packet[6];
        offset = IpHeader.IPv6Length;
        while (protocol is IpProtocol.HopByHopOptions or IpProtocol.DestinationOptions or IpProtocol.RoutingHeader
            or IpProtocol.FragmentHeader)
        {
            if (packet.Length - offset < 8)
            {
                return false;
            }

            bool isFragment = protocol == IpProtocol.FragmentHeader;
            if (isFragment && (BinaryPrimitives.ReadUInt16BigEndian(packet[(offset + 2)..]) & 0xfff8) != 0)
            {
                return false;
            }

            protocol = (IpProtocol)packet[offset];
            offset += isFragment ? IpHeader.IPv6FragmentLength : (packet[offset + 1] + 1) * 8;
        }

        return true;
    }
}
