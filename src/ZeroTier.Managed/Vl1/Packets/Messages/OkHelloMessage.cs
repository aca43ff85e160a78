using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>The part of OK(HELLO) behind the quoted verb and packet ID (docs/protocol/2-vl1.md 2.6.2).</summary>
internal readonly ref struct OkHelloMessage
{
    /// <summary>Longest data without worlds.</summary>
    public const int MaxSizeWithoutWorlds = FixedSize + WireAddress.MaxSize + 2;

    /// <summary>Bytes of worlds that one packet carries.</summary>
    public const int MaxWorldsSize = Fragments.MaxPacketSize - PacketHeader.Size - 9 - MaxSizeWithoutWorlds;

    private const int FixedSize = 13;

    /// <summary>The timestamp of our HELLO, echoed.</summary>
    public ulong Timestamp { get; private init; }

    public PeerVersion Version { get; private init; }

    /// <summary>The source endpoint of our HELLO, as the peer saw it.</summary>
    public InetEndPoint Seen { get; private init; }

    /// <summary>Newer planets or moons, one after the other.</summary>
    public ReadOnlySpan<byte> Worlds { get; private init; }

    /// <summary>Writes the data.</summary>
    /// <param name="data">At least <see cref="MaxSizeWithoutWorlds"/> bytes and the worlds'.</param>
    /// <param name="timestamp">The timestamp of the HELLO.</param>
    /// <param name="seen">The source endpoint of the HELLO.</param>
    /// <param name="worlds">Empty, or newer worlds.</param>
    public static int Write(Span<byte> data, ulong timestamp, in InetEndPoint seen, ReadOnlySpan<byte> worlds)
    {
        var version = PeerVersion.Ours;
        BinaryPrimitives.WriteUInt64BigEndian(data, timestamp);
        data[8] = version.Protocol;
        data[9] = version.Major;
        data[10] = version.Minor;
        BinaryPrimitives.WriteUInt16BigEndian(data[11..], version.Revision);
        int at = FixedSize + WireAddress.Write(data[FixedSize..], seen);
        BinaryPrimitives.WriteUInt16BigEndian(data[at..], (ushort)worlds.Length);
        worlds.CopyTo(data[(at + 2)..]);
        return at + 2 + worlds.Length;
    }

    /// <summary>Reads the data; parts after the version may be missing.</summary>
    public static bool TryRead(ReadOnlySpan<byte> data, out OkHelloMessage message)
    {
        message = default;
        if (data.Length < FixedSize)
        {
            return false;
        }

        InetEndPoint seen = default;
        ReadOnlySpan<byte> worlds = default;
        var rest = data[FixedSize..];
        if (!rest.IsEmpty)
        {
            if (!WireAddress.TryRead(rest, out seen, out int length))
            {
                return false;
            }

            rest = rest[length..];
            if (rest.Length >= 2)
            {
                int size = BinaryPrimitives.ReadUInt16BigEndian(rest);
                if (size > rest.Length - 2)
                {
                    return false;
                }

                worlds = rest.Slice(2, size);
            }
        }

        message = new OkHelloMessage
        {
            Timestamp = BinaryPrimitives.ReadUInt64BigEndian(data),
            Version = HelloMessage.ReadVersion(data[8..]),
            Seen = seen,
            Worlds = worlds,
        };
        return true;
    }
}
