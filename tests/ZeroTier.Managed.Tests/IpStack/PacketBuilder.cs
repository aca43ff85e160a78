using System.Buffers.Binary;
using ZeroTier.Managed.IpStack;

namespace ZeroTier.Managed.Tests.IpStack;

/// <summary>Packets made by hand.</summary>
internal static class PacketBuilder
{
    public static byte[] Ip(
        IpAddress source, IpAddress destination, IpProtocol protocol, ReadOnlySpan<byte> payload, bool linkScope = false)
    {
        int header = IpHeader.LengthFor(destination);
        byte[] packet = new byte[header + payload.Length];
        IpHeader.Write(packet, source, destination, protocol, payload.Length, linkScope);
        payload.CopyTo(packet.AsSpan(header));
        return packet;
    }

    /// <summary>Fills in the checksum at this offset of a transport message.</summary>
    public static byte[] Sealed(IpAddress source, IpAddress destination, IpProtocol protocol, byte[] message, int checksumAt)
    {
        message.AsSpan(checksumAt, 2).Clear();
        ushort checksum = protocol == IpProtocol.Icmp
            ? InternetChecksum.Compute(message)
            : InternetChecksum.Transport(source, destination, protocol, message);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(checksumAt), checksum);
        return message;
    }

    public static byte[] Udp(IpAddress source, IpAddress destination, ushort sourcePort, ushort port, int size)
    {
        byte[] datagram = new byte[8 + size];
        BinaryPrimitives.WriteUInt16BigEndian(datagram, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), port);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(4), (ushort)datagram.Length);
        return Ip(source, destination, IpProtocol.Udp, Sealed(source, destination, IpProtocol.Udp, datagram, 6));
    }

    public static byte[] PathMtuReport(
        IpAddress router4, IpAddress to4, IpAddress router6, IpAddress to6, IpAddress source, IpAddress destination, int mtu)
    {
        byte[] quoted = Ip(source, destination, IpProtocol.Udp, new byte[8]);
        if (source.IsIPv4)
        {
            byte[] message = [3, 4, 0, 0, 0, 0, (byte)(mtu >> 8), (byte)mtu, .. quoted];
            return Ip(router4, to4, IpProtocol.Icmp, Sealed(router4, to4, IpProtocol.Icmp, message, 2));
        }
        else
        {
            byte[] message = [2, 0, 0, 0, 0, 0, (byte)(mtu >> 8), (byte)mtu, .. quoted];
            return Ip(router6, to6, IpProtocol.IcmpV6, Sealed(router6, to6, IpProtocol.IcmpV6, message, 2));
        }
    }
}
