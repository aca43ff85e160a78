using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>The payload of HELLO (docs/protocol/2-vl1.md 2.6.2). Parts after the identity may be missing.</summary>
internal readonly struct HelloMessage
{
    /// <summary>Longest payload without moons.</summary>
    public const int MaxSizeWithoutMoons = IdentityOffset + NodeIdentity.BinarySize + WireAddress.MaxSize + 16 + TailSize;

    /// <summary>Longest payload that we write.</summary>
    public const int MaxSize = MaxSizeWithoutMoons + Vl1Limits.Moons * MoonSize;

    /// <summary>Bytes of the tail without moons.</summary>
    public const int TailSize = 2;

    private const int MoonSize = 17;
    private const byte MoonType = 127;

    /// <summary>Offset of the sender's identity.</summary>
    public const int IdentityOffset = 13;

    public PeerVersion Version { get; private init; }

    /// <summary>The sender's clock; echoed in the answer.</summary>
    public ulong Timestamp { get; private init; }

    public NodeIdentity Identity { get; private init; }

    /// <summary>The endpoint to which the sender sent it; the default value when it is missing.</summary>
    public InetEndPoint SentTo { get; private init; }

    public WorldVersion Planet { get; private init; }

    /// <summary>Offset of the encrypted tail in the payload; 0 when there is none.</summary>
    public int TailOffset { get; private init; }

    /// <summary>Bytes of the tail with this many moons.</summary>
    public static int TailSizeFor(int moons) => TailSize + moons * MoonSize;

    /// <summary>Writes a payload; the tail, the last <see cref="TailSizeFor"/> bytes, is still to be encrypted.</summary>
    /// <returns>Bytes written.</returns>
    public static int Write(
        Span<byte> payload,
        ulong timestamp,
        NodeIdentity identity,
        in InetEndPoint sentTo,
        in WorldVersion planet,
        ReadOnlySpan<WorldVersion> moons = default)
    {
        var version = PeerVersion.Ours;
        payload[0] = version.Protocol;
        payload[1] = version.Major;
        payload[2] = version.Minor;
        BinaryPrimitives.WriteUInt16BigEndian(payload[3..], version.Revision);
        BinaryPrimitives.WriteUInt64BigEndian(payload[5..], timestamp);
        int at = IdentityOffset + identity.WriteTo(payload[IdentityOffset..]);
        at += WireAddress.Write(payload[at..], sentTo);
        BinaryPrimitives.WriteUInt64BigEndian(payload[at..], planet.Id);
        BinaryPrimitives.WriteUInt64BigEndian(payload[(at + 8)..], planet.Timestamp);
        BinaryPrimitives.WriteUInt16BigEndian(payload[(at + 16)..], (ushort)moons.Length);
        at += 16 + TailSize;
        foreach (var moon in moons)
        {
            payload[at] = MoonType;
            BinaryPrimitives.WriteUInt64BigEndian(payload[(at + 1)..], moon.Id);
            BinaryPrimitives.WriteUInt64BigEndian(payload[(at + 9)..], moon.Timestamp);
            at += MoonSize;
        }

        return at;
    }

    /// <summary>Reads the moons of a decrypted tail, at most <paramref name="moons"/>.Length; entries of other types are skipped.</summary>
    /// <returns>Number of moons.</returns>
    public static int ReadMoons(ReadOnlySpan<byte> tail, Span<WorldVersion> moons)
    {
        if (tail.Length < TailSize)
        {
            return 0;
        }

        int count = 0;
        int entries = BinaryPrimitives.ReadUInt16BigEndian(tail);
        for (tail = tail[TailSize..]; entries > 0 && tail.Length >= MoonSize && count < moons.Length; entries--, tail = tail[MoonSize..])
        {
            if (tail[0] == MoonType)
            {
                moons[count++] = new WorldVersion(
                    BinaryPrimitives.ReadUInt64BigEndian(tail[1..]), BinaryPrimitives.ReadUInt64BigEndian(tail[9..]));
            }
        }

        return count;
    }

    /// <summary>Reads only the address in the sender's identity, for cheap checks before the rest is parsed.</summary>
    public static bool TryReadSender(ReadOnlySpan<byte> payload, out NodeId sender)
    {
        sender = payload.Length >= IdentityOffset + NodeIdentity.BinarySize ? PacketHeader.ReadAddress(payload[IdentityOffset..]) : default;
        return !sender.IsReserved && sender != default;
    }

    /// <summary>Reads a payload. Nothing is allocated when it has the given identity.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out HelloMessage message, NodeIdentity? known = null)
    {
        message = default;
        if (payload.Length < IdentityOffset + NodeIdentity.BinarySize
            || !WireIdentity.TryRead(payload[IdentityOffset..], known, out var identity))
        {
            return false;
        }

        var rest = payload[(IdentityOffset + NodeIdentity.BinarySize)..];
        InetEndPoint sentTo = default;
        WorldVersion planet = default;
        int tail = 0;
        if (!rest.IsEmpty)
        {
            if (!WireAddress.TryRead(rest, out sentTo, out int length))
            {
                return false;
            }

            rest = rest[length..];
            if (rest.Length >= 16)
            {
                planet = new WorldVersion(BinaryPrimitives.ReadUInt64BigEndian(rest), BinaryPrimitives.ReadUInt64BigEndian(rest[8..]));
                tail = payload.Length - rest.Length + 16;
            }
        }

        message = new HelloMessage
        {
            Version = ReadVersion(payload),
            Timestamp = BinaryPrimitives.ReadUInt64BigEndian(payload[5..]),
            Identity = identity,
            SentTo = sentTo,
            Planet = planet,
            TailOffset = tail,
        };
        return true;
    }

    internal static PeerVersion ReadVersion(ReadOnlySpan<byte> bytes) =>
        new(bytes[0], bytes[1], bytes[2], BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]));
}
