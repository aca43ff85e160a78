using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;

namespace ZeroTier.Managed.Datagrams.TcpRelay;

/// <summary>
/// The framing of datagrams in a TCP connection to a relay (docs/protocol/2-vl1.md 2.22): records with the header of TLS application data,
/// each with an address and a datagram. The first record of a client contains its version instead.
/// </summary>
internal static class RelayFrame
{
    /// <summary>Bytes of the header: 17 03 03, and the length of the body.</summary>
    public const int HeaderSize = 5;

    /// <summary>Most bytes before a datagram: header, type, IPv6 address, port.</summary>
    public const int MaxOverhead = HeaderSize + 1 + 16 + 2;

    /// <summary>Longest body of a record.</summary>
    public const int MaxBody = ushort.MaxValue;

    private const byte IPv4 = 4;
    private const byte IPv6 = 6;

    /// <summary>A client's first record, header included, with the version whose features we implement: 1.12.0.</summary>
    public static ReadOnlySpan<byte> Hello => [0x17, 0x03, 0x03, 0x00, 0x04, 0x01, 0x0c, 0x00, 0x00];

    /// <summary>Bytes of <see cref="Hello"/> behind its header.</summary>
    public static int HelloBody => Hello.Length - HeaderSize;

    /// <summary>Writes the header and address before a datagram.</summary>
    /// <returns>Bytes written.</returns>
    public static int WriteHead(Span<byte> destination, in InetEndPoint address, int datagramLength)
    {
        destination[HeaderSize] = address.Family == AddressFamily.InterNetwork ? IPv4 : IPv6;
        int length = 1 + address.WriteAddress(destination[(HeaderSize + 1)..]);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(HeaderSize + length)..], address.Port);
        length += 2;
        destination[0] = 0x17;
        destination[1] = 0x03;
        destination[2] = 0x03;
        BinaryPrimitives.WriteUInt16BigEndian(destination[3..], (ushort)(length + datagramLength));
        return HeaderSize + length;
    }

    /// <summary>Takes a record from the beginning of the received bytes.</summary>
    /// <param name="arrived">The received bytes; on return, those behind the record.</param>
    /// <param name="body">The record's body.</param>
    /// <returns>False while the record is incomplete.</returns>
    /// <exception cref="InvalidDataException">The bytes are not a record.</exception>
    public static bool TryTake(ref ReadOnlySequence<byte> arrived, out ReadOnlySequence<byte> body)
    {
        body = default;
        if (arrived.Length < HeaderSize)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderSize];
        arrived.Slice(0, HeaderSize).CopyTo(header);
        if (header[..3] is not [0x17, 0x03, 0x03])
        {
            throw new InvalidDataException("The other end does not speak the protocol of a ZeroTier TCP relay.");
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(header[3..]);
        if (arrived.Length < HeaderSize + length)
        {
            return false;
        }

        body = arrived.Slice(HeaderSize, length);
        arrived = arrived.Slice(HeaderSize + length);
        return true;
    }

    /// <summary>Reads a body: an address and a datagram.</summary>
    /// <returns>False when the address is missing, truncated or of another type.</returns>
    public static bool TryRead(Span<byte> body, out InetEndPoint address, out Span<byte> datagram)
    {
        address = default;
        datagram = default;
        int length = body.IsEmpty ? -1 : body[0] switch { IPv4 => 4, IPv6 => 16, _ => -1 };
        if (length < 0 || body.Length < 1 + length + 2)
        {
            return false;
        }

        address = InetEndPoint.FromBytes(body.Slice(1, length), BinaryPrimitives.ReadUInt16BigEndian(body[(1 + length)..]));
        datagram = body[(1 + length + 2)..];
        return true;
    }
}
