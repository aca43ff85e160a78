using System.Buffers.Binary;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Managed.Vl2.Multicast;

/// <summary>The payloads of MULTICAST_LIKE, MULTICAST_GATHER, MULTICAST_FRAME and their answers (docs/protocol/3-vl2.md 3.8).</summary>
internal static class MulticastPackets
{
    /// <summary>Bytes of network ID, group address and ADI: an entry of MULTICAST_LIKE, and the header of answers.</summary>
    public const int GroupLength = 18;

    public const int AddressLength = 5;

    /// <summary>Flag of OK(MULTICAST_FRAME): addresses of members follow.</summary>
    public const byte HasMembers = 0x02;

    private const byte HasCertificate = 0x01;
    private const int NetworkIdLength = 8;

    /// <summary>Appends an entry of MULTICAST_LIKE.</summary>
    public static void WriteGroup(Span<byte> destination, NetworkId network, MulticastGroup group)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, network.Value);
        group.Mac.Write(destination[8..]);
        BinaryPrimitives.WriteUInt32BigEndian(destination[14..], group.Adi);
    }

    /// <summary>Reads the group of an entry that <see cref="WriteGroup"/> has written.</summary>
    public static MulticastGroup ReadGroup(ReadOnlySpan<byte> entry) =>
        new(MacAddress.Read(entry[8..]), BinaryPrimitives.ReadUInt32BigEndian(entry[14..]));

    /// <summary>Encodes MULTICAST_GATHER, which asks for members of a group.</summary>
    public static byte[] Gather(NetworkId network, MulticastGroup group, int wanted, ReadOnlySpan<byte> certificate)
    {
        byte[] payload = new byte[NetworkIdLength + 1 + 10 + 4 + certificate.Length];
        BinaryPrimitives.WriteUInt64BigEndian(payload, network.Value);
        payload[8] = certificate.IsEmpty ? (byte)0 : HasCertificate;
        group.Mac.Write(payload.AsSpan(9));
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(15), group.Adi);
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(19), (uint)wanted);
        certificate.CopyTo(payload.AsSpan(23));
        return payload;
    }

    /// <summary>
    /// Reads MULTICAST_GATHER. A certificate that may follow is ignored: members present theirs in NETWORK_CREDENTIALS.
    /// </summary>
    /// <param name="payload">The payload, from the network ID on.</param>
    /// <param name="group">The group.</param>
    /// <param name="wanted">How many members are asked for.</param>
    public static bool TryReadGather(ReadOnlySpan<byte> payload, out MulticastGroup group, out int wanted)
    {
        group = default;
        wanted = 0;
        if (payload.Length < 23)
        {
            return false;
        }

        group = new MulticastGroup(MacAddress.Read(payload[9..]), BinaryPrimitives.ReadUInt32BigEndian(payload[15..]));
        wanted = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(payload[19..]), int.MaxValue);
        return true;
    }

    /// <summary>Encodes members of a group as in answers: total number, number of addresses, addresses.</summary>
    public static byte[] Members(int total, IReadOnlyList<NodeId> members)
    {
        byte[] data = new byte[4 + 2 + (members.Count * AddressLength)];
        BinaryPrimitives.WriteUInt32BigEndian(data, (uint)total);
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(4), (ushort)members.Count);
        for (int i = 0; i < members.Count; i++)
        {
            members[i].Write(data.AsSpan(6 + (i * AddressLength)));
        }

        return data;
    }

    /// <summary>Encodes the answer to MULTICAST_GATHER.</summary>
    public static byte[] GatherAnswer(NetworkId network, MulticastGroup group, int total, IReadOnlyList<NodeId> members)
    {
        byte[] list = Members(total, members);
        byte[] answer = new byte[GroupLength + list.Length];
        WriteGroup(answer, network, group);
        list.CopyTo(answer.AsSpan(GroupLength));
        return answer;
    }

    /// <summary>
    /// Advances the span behind the flags and the certificate of OK(MULTICAST_FRAME); false when no addresses follow.
    /// </summary>
    public static bool TrySkipFlags(ref ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            return false;
        }

        byte flags = data[0];
        data = data[1..];
        return ((flags & HasCertificate) == 0 || MembershipCertificate.TrySkip(ref data)) && (flags & HasMembers) != 0;
    }

    /// <summary>Reads what <see cref="Members"/> has written; false when it is truncated.</summary>
    public static bool TryReadMembers(ReadOnlySpan<byte> data, List<NodeId> members)
    {
        if (data.Length < 6)
        {
            return false;
        }

        int count = BinaryPrimitives.ReadUInt16BigEndian(data[4..]);
        data = data[6..];
        if (data.Length < count * AddressLength)
        {
            return false;
        }

        for (int i = 0; i < count; i++)
        {
            members.Add(NodeId.Read(data[(i * AddressLength)..]));
        }

        return true;
    }
}
