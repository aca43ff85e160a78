using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Messages;

/// <summary>The payload of HELLO (docs/protocol/2-vl1.md 2.6.2). Parts after the identity may be missing.</summary>
internal readonly struct HelloMessage
{
    /// <summary>Longest payload that we write.</summary>
    public const int MaxSize = IdentityOffset + NodeIdentity.BinarySize + WireAddress.MaxSize + 16 + 2;

    /// <summary>Where the sender's identity lies.</summary>
    public const int IdentityOffset = 13;

    public PeerVersion Version { get; private init; }

    /// <summary>The sender's clock; echoed in the answer.</summary>
    public ulong Timestamp { get; private init; }

    public NodeIdentity Identity { get; private init; }

    /// <summary>Where the sender sent it to; the default value when it does not say.</summary>
    public InetEndPoint SentTo { get; private init; }

    public ulong PlanetId { get; private init; }

    public ulong PlanetTimestamp { get; private init; }

    /// <summary>Writes a payload; the tail (no moons) is still to be encrypted.</summary>
    /// <returns>Bytes written; the tail is the last two.</returns>
    public static int Write(Span<byte> payload, ulong timestamp, NodeIdentity identity, in InetEndPoint sentTo, Planet planet)
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
        BinaryPrimitives.WriteUInt16BigEndian(payload[(at + 16)..], 0);
        return at + 18;
    }

    public const int TailSize = 2;

    /// <summary>Reads only the claimed sender's address, for the cheap checks before the rest is parsed.</summary>
    public static bool TryReadSender(ReadOnlySpan<byte> payload, out NodeId sender)
    {
        sender = payload.Length >= IdentityOffset + NodeIdentity.BinarySize ? PacketHeader.ReadAddress(payload[IdentityOffset..]) : default;
        return !sender.IsReserved && sender != default;
    }

    /// <summary>Reads a payload.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out HelloMessage message)
    {
        message = default;
        if (payload.Length < IdentityOffset + NodeIdentity.BinarySize || !WireIdentity.TryRead(payload[IdentityOffset..], out var identity))
        {
            return false;
        }

        var rest = payload[(IdentityOffset + NodeIdentity.BinarySize)..];
        InetEndPoint sentTo = default;
        ulong planetId = 0;
        ulong planetTimestamp = 0;
        if (!rest.IsEmpty)
        {
            if (!WireAddress.TryRead(rest, out sentTo, out int length))
            {
                return false;
            }

            rest = rest[length..];
            if (rest.Length >= 16)
            {
                planetId = BinaryPrimitives.ReadUInt64BigEndian(rest);
                planetTimestamp = BinaryPrimitives.ReadUInt64BigEndian(rest[8..]);
            }
        }

        message = new HelloMessage
        {
            Version = ReadVersion(payload),
            Timestamp = BinaryPrimitives.ReadUInt64BigEndian(payload[5..]),
            Identity = identity,
            SentTo = sentTo,
            PlanetId = planetId,
            PlanetTimestamp = planetTimestamp,
        };
        return true;
    }

    internal static PeerVersion ReadVersion(ReadOnlySpan<byte> bytes) =>
        new(bytes[0], bytes[1], bytes[2], BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]));
}
