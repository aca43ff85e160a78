using System.Buffers.Binary;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Managed.Vl2.Multicast;

/// <summary>A parsed MULTICAST_FRAME (docs/protocol/3-vl2.md 3.8.4).</summary>
internal readonly ref struct MulticastFrame
{
    private const int NetworkIdLength = 8;
    private const int MaxLength = 10_000;
    private const byte HasCertificate = 0x01;
    private const byte HasGatherLimit = 0x02;
    private const byte HasSource = 0x04;
    private const byte Replicate = 0x08;

    /// <summary>How many members of the group the sender asks for.</summary>
    public int GatherLimit { get; private init; }

    /// <summary>The Ethernet source; null for the sender's own.</summary>
    public MacAddress? Source { get; private init; }

    /// <summary>The receiver is to forward it to the group, if it is a multicast replicator.</summary>
    public bool IsToBeReplicated { get; private init; }

    public MulticastGroup Group { get; private init; }

    public ushort EtherType { get; private init; }

    /// <summary>The Ethernet payload.</summary>
    public ReadOnlySpan<byte> Frame { get; private init; }

    /// <summary>Reads a payload, from the network ID on; false when it is malformed or contains no frame.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out MulticastFrame result)
    {
        result = default;
        if (payload.Length <= NetworkIdLength)
        {
            return false;
        }

        byte flags = payload[NetworkIdLength];
        ReadOnlySpan<byte> rest = payload[(NetworkIdLength + 1)..];

        // Old versions attach their certificate of membership.
        if ((flags & HasCertificate) != 0 && !MembershipCertificate.TrySkip(ref rest))
        {
            return false;
        }

        int gatherLimit = 0;
        if ((flags & HasGatherLimit) != 0)
        {
            if (rest.Length < 4)
            {
                return false;
            }

            gatherLimit = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(rest), int.MaxValue);
            rest = rest[4..];
        }

        MacAddress? source = null;
        if ((flags & HasSource) != 0)
        {
            if (rest.Length < MacAddress.Length)
            {
                return false;
            }

            source = MacAddress.Read(rest);
            rest = rest[MacAddress.Length..];
        }

        if (rest.Length is <= 12 or > 12 + MaxLength)
        {
            return false;
        }

        result = new()
        {
            GatherLimit = gatherLimit,
            Source = source,
            IsToBeReplicated = (flags & Replicate) != 0,
            Group = new MulticastGroup(MacAddress.Read(rest), BinaryPrimitives.ReadUInt32BigEndian(rest[6..])),
            EtherType = BinaryPrimitives.ReadUInt16BigEndian(rest[10..]),
            Frame = rest[12..],
        };
        return true;
    }

    /// <summary>Encodes a payload.</summary>
    /// <param name="network">The network.</param>
    /// <param name="gatherLimit">How many members of the group we ask for; 0 for none.</param>
    /// <param name="source">The Ethernet source; null when it is the sender's own.</param>
    /// <param name="replicate">Whether the receiver is to forward it to the group.</param>
    /// <param name="group">The group.</param>
    /// <param name="etherType">The frame's EtherType.</param>
    /// <param name="frame">The Ethernet payload.</param>
    public static byte[] Encode(
        NetworkId network,
        int gatherLimit,
        MacAddress? source,
        bool replicate,
        MulticastGroup group,
        ushort etherType,
        ReadOnlySpan<byte> frame)
    {
        int gatherLength = gatherLimit > 0 ? 4 : 0, sourceLength = source is null ? 0 : MacAddress.Length;
        byte[] payload = new byte[NetworkIdLength + 1 + gatherLength + sourceLength + 12 + frame.Length];
        BinaryPrimitives.WriteUInt64BigEndian(payload, network.Value);
        payload[NetworkIdLength] =
            (byte)((gatherLimit > 0 ? HasGatherLimit : 0) | (source is null ? 0 : HasSource) | (replicate ? Replicate : 0));
        Span<byte> rest = payload.AsSpan(NetworkIdLength + 1);
        if (gatherLimit > 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(rest, (uint)gatherLimit);
        }

        source?.Write(rest[gatherLength..]);
        rest = rest[(gatherLength + sourceLength)..];
        group.Mac.Write(rest);
        BinaryPrimitives.WriteUInt32BigEndian(rest[6..], group.Adi);
        BinaryPrimitives.WriteUInt16BigEndian(rest[10..], etherType);
        frame.CopyTo(rest[12..]);
        return payload;
    }
}
