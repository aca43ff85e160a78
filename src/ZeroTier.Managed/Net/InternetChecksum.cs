using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ZeroTier.Managed.Net;

/// <summary>The Internet checksum (RFC 1071) and the pseudo headers of IPv4 (RFC 9293, 3.1) and IPv6 (RFC 8200, 8.1).</summary>
internal static class InternetChecksum
{
    /// <summary>
    /// The value of the checksum field for a transport packet whose checksum field is zero. For a received packet, field included, the
    /// result is 0 if the checksum is correct.
    /// </summary>
    public static ushort Transport(in IpAddress source, in IpAddress destination, IpProtocol protocol, ReadOnlySpan<byte> packet) =>
        (ushort)~Fold(Sum(packet) + Words(source.Value) + Words(destination.Value) + (uint)packet.Length + (uint)protocol);

    /// <summary>The checksum of a header or an ICMPv4 message.</summary>
    public static ushort Compute(ReadOnlySpan<byte> data) => (ushort)~Sum(data);

    // A one's complement sum is independent of the width of the words, and of their byte order until the end (RFC 1071, 2). So 32 bits in
    // native byte order are added at a time, in 64-bit lanes.
    private static ushort Sum(ReadOnlySpan<byte> data)
    {
        ulong sum = 0;
        if (data.Length >= Vector<byte>.Count)
        {
            var vectors = MemoryMarshal.Cast<byte, Vector<ulong>>(data);
            var low = new Vector<ulong>(uint.MaxValue);
            var even = Vector<ulong>.Zero;
            var odd = Vector<ulong>.Zero;
            foreach (ref readonly var vector in vectors)
            {
                even += vector & low;
                odd += vector >>> 32;
            }

            // Fewer than 2^31 additions of 32 bits each: neither a lane nor the sum of the lanes overflows.
            sum = Vector.Sum(even + odd);
            data = data[(vectors.Length * Vector<byte>.Count)..];
        }

        foreach (uint word in MemoryMarshal.Cast<byte, uint>(data))
        {
            sum += word;
        }

        data = data[(data.Length & ~3)..];
        if (data.Length > 0)
        {
            // The rest, padded with zeros on the right.
            Span<byte> rest = stackalloc byte[4];
            rest.Clear();
            data.CopyTo(rest);
            sum += MemoryMarshal.Read<uint>(rest);
        }

        ushort folded = Fold(sum);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(folded) : folded;
    }

    private static ulong Words(UInt128 value) =>
        (ulong)(value >> 96) + (uint)(value >> 64) + ((ulong)value >> 32) + (uint)value;

    private static ushort Fold(ulong sum)
    {
        sum = (sum & uint.MaxValue) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)(sum + (sum >> 16));
    }
}
