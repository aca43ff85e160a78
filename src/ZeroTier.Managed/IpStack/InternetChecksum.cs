using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>The Internet checksum (RFC 1071) and the pseudo headers of IPv4 (RFC 9293, 3.1) and IPv6 (RFC 8200, 8.1).</summary>
internal static class InternetChecksum
{
    /// <summary>The checksum field's value for a transport packet whose own checksum field is zero. Over a received packet, field included, it is 0 when right.</summary>
    public static ushort Transport(in IpAddress source, in IpAddress destination, IpProtocol protocol, ReadOnlySpan<byte> packet)
    {
        Span<byte> pseudo = stackalloc byte[40];
        int n = source.Write(pseudo);
        n += destination.Write(pseudo[n..]);
        BinaryPrimitives.WriteUInt32BigEndian(pseudo[n..], (uint)packet.Length);
        BinaryPrimitives.WriteUInt32BigEndian(pseudo[(n + 4)..], (uint)protocol);
        return Fold(Sum(packet, Sum(pseudo[..(n + 8)], 0)));
    }

    /// <summary>The checksum of a header or an ICMPv4 message.</summary>
    public static ushort Compute(ReadOnlySpan<byte> data) => Fold(Sum(data, 0));

    // A one's complement sum does not care about the width of the words it adds (RFC 1071, 2): 32 bits at a time into 64.
    private static ulong Sum(ReadOnlySpan<byte> data, ulong sum)
    {
        while (data.Length >= 8)
        {
            ulong word = BinaryPrimitives.ReadUInt64BigEndian(data);
            sum += (word >> 32) + (uint)word;
            data = data[8..];
        }

        while (data.Length >= 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(data);
            data = data[2..];
        }

        // An odd last byte is padded with a zero on the right.
        if (data.Length == 1)
        {
            sum += (ulong)data[0] << 8;
        }

        return sum;
    }

    private static ushort Fold(ulong sum)
    {
        while (sum >> 16 != 0)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (ushort)~sum;
    }
}
