using System.Buffers.Binary;
using ZeroTier.Managed.IpStack;

namespace EndToEnd.Tests.Security;

/// <summary>Packets by hand.</summary>
internal static class RawPackets
{
    public const byte ArpRequest = 1;
    public const byte ArpReply = 2;

    /// <summary>An IPv6 packet; the checksum of the protocols that have one at a known place is filled in.</summary>
    public static byte[] Ip(in IpAddress source, in IpAddress destination, IpProtocol protocol, ReadOnlySpan<byte> payload)
    {
        byte[] packet = [.. new byte[40], .. payload];
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)payload.Length);
        packet[6] = (byte)protocol;

        // RFC 4861, 7.1: neighbour discovery wants 255.
        packet[7] = 255;
        source.Write(packet.AsSpan(8));
        destination.Write(packet.AsSpan(24));
        int at = protocol switch { IpProtocol.Tcp => 16, IpProtocol.Udp => 6, IpProtocol.IcmpV6 => 2, _ => -1 };
        if (at >= 0)
        {
            ushort checksum = InternetChecksum.Transport(source, destination, protocol, packet.AsSpan(40));
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(40 + at), checksum);
        }

        return packet;
    }

    /// <summary>An IPv4 packet with a TCP segment in it.</summary>
    public static byte[] IPv4(in IpAddress source, in IpAddress destination, IpProtocol protocol, ReadOnlySpan<byte> payload)
    {
        byte[] packet = [.. new byte[20], .. payload];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = (byte)protocol;
        source.Write(packet.AsSpan(12));
        destination.Write(packet.AsSpan(16));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), InternetChecksum.Compute(packet.AsSpan(0, 20)));
        BinaryPrimitives.WriteUInt16BigEndian(
            packet.AsSpan(20 + 16), InternetChecksum.Transport(source, destination, protocol, packet.AsSpan(20)));
        return packet;
    }

    /// <summary>
    /// A question for the Ethernet address of an IPv4 address, or the answer to it (RFC 826); both say where the sender is.
    /// </summary>
    public static byte[] Arp(byte operation, in IpAddress claimed, MacAddress at, in IpAddress to)
    {
        byte[] packet = new byte[28];
        ReadOnlySpan<byte> header = [0, 1, 8, 0, 6, 4, 0, operation];
        header.CopyTo(packet);
        at.Write(packet.AsSpan(8));
        claimed.Write(packet.AsSpan(14));
        to.Write(packet.AsSpan(24));
        return packet;
    }

    /// <summary>A UDP datagram, to be put into a packet.</summary>
    public static byte[] Udp(ushort fromPort, ushort toPort, ReadOnlySpan<byte> data)
    {
        byte[] udp = [.. new byte[8], .. data];
        BinaryPrimitives.WriteUInt16BigEndian(udp, fromPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(2), toPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(4), (ushort)udp.Length);
        return udp;
    }

    /// <summary>"This address is at my Ethernet address", overriding what others know (RFC 4861, 4.4).</summary>
    public static byte[] NeighborAdvertisement(in IpAddress target, MacAddress at)
    {
        byte[] message = new byte[32];
        message[0] = 136;
        message[4] = 0x60;
        target.Write(message.AsSpan(8));
        message[24] = 2;
        message[25] = 1;
        at.Write(message.AsSpan(26));
        return message;
    }
}

/// <summary>One TCP segment.</summary>
internal readonly record struct RawSegment(
    ushort FromPort, ushort ToPort, uint Sequence, uint Acknowledgment, byte Flags, byte[] Data, ushort Window = 65535)
{
    public const int HeaderLength = 20;
    public const byte Fin = 1;
    public const byte Syn = 2;
    public const byte Rst = 4;
    public const byte Ack = 16;

    public static RawSegment Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt16BigEndian(bytes),
        BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
        (byte)(bytes[13] & 0x1f),
        bytes[Math.Min(bytes.Length, (bytes[12] >> 4) * 4)..].ToArray(),
        BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]));

    public byte[] ToBytes()
    {
        byte[] bytes = [.. new byte[HeaderLength], .. Data];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, FromPort);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), ToPort);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), Acknowledgment);
        bytes[12] = 0x50;
        bytes[13] = Flags;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), Window);
        return bytes;
    }
}
