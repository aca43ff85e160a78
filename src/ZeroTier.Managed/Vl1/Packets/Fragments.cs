namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>Fragmentation of packets that do not fit into one datagram (docs/protocol/2-vl1.md 2.3).</summary>
internal static class Fragments
{
    /// <summary>
    /// The size of datagrams that nodes use on every path, whatever it carries. <see cref="PathMtu"/> detects paths that carry less,
    /// or more.
    /// </summary>
    public const int Mtu = 1432;

    /// <summary>Bytes before a fragment's data.</summary>
    public const int HeaderSize = 16;

    /// <summary>Most datagrams of a packet, the first one, which has the packet header, included.</summary>
    public const int MaxPieces = 7;

    /// <summary>Longest packet that seven pieces carry at <see cref="Mtu"/>.</summary>
    public const int MaxPacketSize = Mtu + (MaxPieces - 1) * (Mtu - HeaderSize);

    /// <summary>Value of byte 13 that marks a fragment; no address begins with it.</summary>
    public const byte Marker = 0xff;

    public const int MarkerOffset = 13;
    public const int CountOffset = 14;
    public const int HopsOffset = 15;

    /// <summary>
    /// The size of all datagrams of a packet but the last: the path MTU, or more if seven datagrams of that size cannot carry the packet.
    /// </summary>
    public static int SizeFor(int packetLength, int mtu) =>
        Math.Max(mtu, (packetLength + (MaxPieces - 1) * HeaderSize + MaxPieces - 1) / MaxPieces);

    /// <summary>Number of datagrams of the given size for a packet of this length.</summary>
    public static int Count(int packetLength, int size) =>
        packetLength <= size ? 1 : 1 + (packetLength - size + size - HeaderSize - 1) / (size - HeaderSize);

    /// <summary>Bytes of all datagrams of a packet together.</summary>
    public static int TotalSize(int packetLength, int size) => packetLength + (Count(packetLength, size) - 1) * HeaderSize;

    /// <summary>The most bytes that all datagrams of a packet can have together, whatever their size.</summary>
    public static int MaxTotalSize(int packetLength) => packetLength + (MaxPieces - 1) * HeaderSize;

    public static bool IsFragment(ReadOnlySpan<byte> datagram) => datagram.Length > HeaderSize && datagram[MarkerOffset] == Marker;

    /// <summary>
    /// Fragments an armored packet in place: inserts the fragment headers, so that the datagrams lie back to back, each of the given size
    /// but the last.
    /// </summary>
    /// <param name="buffer">Begins with the packet and has space for <see cref="TotalSize"/> bytes.</param>
    /// <param name="packetLength">Its length.</param>
    /// <param name="size">From <see cref="SizeFor"/>.</param>
    /// <returns>Bytes of all datagrams.</returns>
    public static int Cut(Span<byte> buffer, int packetLength, int size)
    {
        int count = Count(packetLength, size);
        int pieceSize = size - HeaderSize;
        for (int piece = count - 1; piece > 0; piece--)
        {
            // Back to front: each piece moves right by the headers inserted before it, over bytes of later pieces, which were moved before.
            int from = size + (piece - 1) * pieceSize;
            int length = Math.Min(pieceSize, packetLength - from);
            int to = piece * size;
            buffer.Slice(from, length).CopyTo(buffer[(to + HeaderSize)..]);
            var header = buffer.Slice(to, HeaderSize);
            buffer[..MarkerOffset].CopyTo(header);
            header[MarkerOffset] = Marker;
            header[CountOffset] = (byte)(count << 4 | piece);
            header[HopsOffset] = 0;
        }

        return TotalSize(packetLength, size);
    }
}
