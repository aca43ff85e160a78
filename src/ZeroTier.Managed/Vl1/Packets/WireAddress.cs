using System.Buffers.Binary;
using System.Net.Sockets;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>The encoding of physical addresses inside packets and planets (docs/protocol/2-vl1.md 2.4).</summary>
internal static class WireAddress
{
    /// <summary>Longest encoding.</summary>
    public const int MaxSize = 19;

    /// <summary>Reads an address; the nil address and reserved types give the default value.</summary>
    /// <returns>False when it is truncated or of an unknown type.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out InetEndPoint endPoint, out int length)
    {
        endPoint = default;
        length = 0;
        if (bytes.IsEmpty)
        {
            return false;
        }

        switch (bytes[0])
        {
            case 0:
                length = 1;
                return true;
            case 1 or 2:
                length = 7;
                break;
            case 3 when bytes.Length >= 3:
                length = 3 + BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]);
                break;
            case 4 when bytes.Length >= 7:
                endPoint = InetEndPoint.FromBytes(bytes.Slice(1, 4), BinaryPrimitives.ReadUInt16BigEndian(bytes[5..]));
                length = 7;
                break;
            case 6 when bytes.Length >= 19:
                endPoint = InetEndPoint.FromBytes(bytes.Slice(1, 16), BinaryPrimitives.ReadUInt16BigEndian(bytes[17..]));
                length = 19;
                break;
            default:
                return false;
        }

        return length <= bytes.Length;
    }

    /// <summary>Writes an address; the default value as the nil address.</summary>
    /// <returns>Bytes written, at most <see cref="MaxSize"/>.</returns>
    public static int Write(Span<byte> bytes, in InetEndPoint endPoint)
    {
        switch (endPoint.Family)
        {
            case AddressFamily.InterNetwork:
                bytes[0] = 4;
                break;
            case AddressFamily.InterNetworkV6:
                bytes[0] = 6;
                break;
            default:
                bytes[0] = 0;
                return 1;
        }

        int length = endPoint.WriteAddress(bytes[1..]);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[(1 + length)..], endPoint.Port);
        return length + 3;
    }
}
