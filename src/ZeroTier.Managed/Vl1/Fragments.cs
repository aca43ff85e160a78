namespace ZeroTier.Managed.Vl1;

/// <summary>How packets that do not fit into one datagram are cut (chapter 2.3).</summary>
internal static class Fragments
{
    /// <summary>Largest datagram that we send.</summary>
    public const int Mtu = 1432;

    /// <summary>Bytes before a fragment's data.</summary>
    public const int HeaderSize = 16;

    /// <summary>Pieces of a packet, its head included.</summary>
    public const int MaxPieces = 7;

    /// <summary>Longest packet that seven pieces carry at <see cref="Mtu"/>.</summary>
    public const int MaxPacketSize = Mtu + (MaxPieces - 1) * PieceSize;

    /// <summary>Value of byte 13 that marks a fragment; no address begins with it.</summary>
    public const byte Marker = 0xff;

    public const int MarkerOffset = 13;
    public const int CountOffset = 14;
    public const int HopsOffset = 15;

    private const int PieceSize = Mtu - HeaderSize;

    /// <summary>Number of datagrams for a packet of this length.</summary>
    public static int Count(int packetLength) => packetLength <= Mtu ? 1 : 1 + (packetLength - Mtu + PieceSize - 1) / PieceSize;

    /// <summary>Bytes of all datagrams of a packet together.</summary>
    public static int TotalSize(int packetLength) => packetLength + (Count(packetLength) - 1) * HeaderSize;

    public static bool IsFragment(ReadOnlySpan<byte> datagram) => datagram.Length > HeaderSize && datagram[MarkerOffset] == Marker;

    /// <summary>
    /// Cuts an armed packet in place: moves its tail apart so that the datagrams lie back to back, each of <see cref="Mtu"/> bytes but the last.
    /// </summary>
    /// <param name="buffer">Begins with the packet and has room for <see cref="TotalSize"/>.</param>
    /// <param name="packetLength">Its length.</param>
    /// <returns>Bytes of all datagrams.</returns>
    public static int Cut(Span<byte> buffer, int packetLength)
    {
        int count = Count(packetLength);
        for (int piece = count - 1; piece > 0; piece--)
        {
            // Back to front: every piece moves right by the headers before it, into room that the piece after it has left.
            int from = Mtu + (piece - 1) * PieceSize;
            int length = Math.Min(PieceSize, packetLength - from);
            int to = piece * Mtu;
            buffer.Slice(from, length).CopyTo(buffer[(to + HeaderSize)..]);
            var header = buffer.Slice(to, HeaderSize);
            buffer[..MarkerOffset].CopyTo(header);
            header[MarkerOffset] = Marker;
            header[CountOffset] = (byte)(count << 4 | piece);
            header[HopsOffset] = 0;
        }

        return TotalSize(packetLength);
    }
}
