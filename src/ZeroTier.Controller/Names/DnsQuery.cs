using System.Buffers.Binary;
using ZeroTier.Names;

namespace ZeroTier.Controller.Names;

/// <summary>Response codes (RFC 1035, 4.1.1; RFC 6891, 9).</summary>
internal enum DnsCode
{
    None = 0,
    FormatError = 1,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
    BadVersion = 16,
}

/// <summary>A parsed DNS query. Immutable.</summary>
internal readonly record struct DnsQuery
{
    /// <summary>The maximum size of a UDP answer without EDNS (RFC 1035, 4.2.1).</summary>
    public const int MinDatagram = 512;

    /// <summary>
    /// The maximum size of a UDP answer, whatever the client accepts: small enough to avoid fragmentation and to be useless for
    /// amplification.
    /// </summary>
    public const int MaxDatagram = 1232;

    private const ushort ResponseBit = 0x8000;
    private const ushort RecursionDesired = 0x0100;
    private const int RecordFieldsLength = 10;

    public ushort Id { get; private init; }

    /// <summary>Opcode and RD bit, which are copied to the answer.</summary>
    public ushort RepeatedFlags { get; private init; }

    /// <summary>The error code when the query is invalid; else <see cref="DnsCode.None"/>.</summary>
    public DnsCode Error { get; private init; }

    /// <summary>The length of the question section in bytes; 0 when it is malformed.</summary>
    public int QuestionLength { get; private init; }

    /// <summary>The queried name, normalized, with characters not permitted in host names replaced.</summary>
    public string Name { get; private init; }

    public DnsType Type { get; private init; }

    public ushort Class { get; private init; }

    /// <summary>Whether it has an OPT record (RFC 6891), so that the answer must have one, too.</summary>
    public bool HasOptions { get; private init; }

    /// <summary>The DO bit, which is copied to the answer (RFC 3225, 3).</summary>
    public bool WantsSignatures { get; private init; }

    /// <summary>The maximum size of a UDP answer to this query.</summary>
    public int DatagramLimit { get; private init; }

    /// <summary>Parses a message; false for messages that must not be answered: responses, and those without a complete header.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out DnsQuery query)
    {
        query = default;
        if (message.Length < DnsResponse.HeaderLength
            || BinaryPrimitives.ReadUInt16BigEndian(message[2..]) is var flags && (flags & ResponseBit) != 0)
        {
            return false;
        }

        query = new DnsQuery
        {
            Id = BinaryPrimitives.ReadUInt16BigEndian(message),
            RepeatedFlags = (ushort)(flags & (0x7800 | RecursionDesired)),
            Name = "",
            DatagramLimit = MinDatagram,
        };
        if ((flags & 0x7800) != 0)
        {
            query = query with { Error = DnsCode.NotImplemented };
            return true;
        }

        // Exactly one question, and empty answer and authority sections.
        int offset = DnsResponse.HeaderLength;
        if (BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1 || BinaryPrimitives.ReadUInt32BigEndian(message[6..]) != 0 ||
            !DnsName.TryRead(message, ref offset, out string name) ||
            offset - DnsResponse.HeaderLength != (name.Length == 0 ? 1 : name.Length + 2) ||
            message.Length - offset < 4)
        {
            query = query with { Error = DnsCode.FormatError };
            return true;
        }

        query = query with
        {
            QuestionLength = offset + 4 - DnsResponse.HeaderLength,
            Name = name,
            Type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[offset..]),
            Class = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]),
        };
        query = query.WithAdditional(message, offset + 4, BinaryPrimitives.ReadUInt16BigEndian(message[10..]));
        return true;
    }

    private DnsQuery WithAdditional(ReadOnlySpan<byte> message, int offset, int count)
    {
        DnsQuery query = this;
        for (; count > 0; count--)
        {
            if (!DnsName.TryRead(message, ref offset, out string owner) || message.Length - offset < RecordFieldsLength)
            {
                return query with { Error = DnsCode.FormatError };
            }

            ReadOnlySpan<byte> fields = message[offset..];
            offset += RecordFieldsLength + BinaryPrimitives.ReadUInt16BigEndian(fields[8..]);
            if (offset > message.Length)
            {
                return query with { Error = DnsCode.FormatError };
            }

            if ((DnsType)BinaryPrimitives.ReadUInt16BigEndian(fields) == DnsType.Opt)
            {
                if (query.HasOptions || owner.Length > 0)
                {
                    return query with { Error = DnsCode.FormatError };
                }

                query = query with
                {
                    HasOptions = true,
                    DatagramLimit = Math.Clamp(BinaryPrimitives.ReadUInt16BigEndian(fields[2..]), (ushort)MinDatagram, (ushort)MaxDatagram),
                    Error = fields[5] != 0 ? DnsCode.BadVersion : DnsCode.None,
                    WantsSignatures = (fields[6] & 0x80) != 0,
                };
            }
        }

        return query;
    }
}
