using System.Buffers.Binary;

namespace ZeroTier.Names;

/// <summary>Resource record types and query types (RFC 1035, 3.2.2 and 3.2.3; RFC 3596; RFC 6891).</summary>
internal enum DnsType : ushort
{
    A = 1,
    NS = 2,
    CName = 5,
    Soa = 6,
    Ptr = 12,
    Aaaa = 28,
    Opt = 41,
    IncrementalTransfer = 251,
    Transfer = 252,
    Any = 255,
}

/// <summary>A DNS question: the records of one type for a name.</summary>
/// <param name="Name">Normalized (<see cref="DnsName"/>).</param>
/// <param name="Type">The type.</param>
internal readonly record struct DnsQuestion(string Name, DnsType Type)
{
    /// <summary>Class IN.</summary>
    public const ushort Internet = 1;

    /// <summary>Encodes the query message, with recursion desired.</summary>
    public byte[] Encode(ushort id)
    {
        const ushort RecursionDesired = 0x0100;
        Span<byte> message = stackalloc byte[DnsResponse.HeaderLength + DnsName.MaxLength + 2 + 2 * sizeof(ushort)];
        message.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(message, id);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], RecursionDesired);
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], 1);
        int length = DnsResponse.HeaderLength + DnsName.Write(Name, message[DnsResponse.HeaderLength..]);
        BinaryPrimitives.WriteUInt16BigEndian(message[length..], (ushort)Type);
        BinaryPrimitives.WriteUInt16BigEndian(message[(length + 2)..], Internet);
        return message[..(length + 4)].ToArray();
    }
}
