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

/// <summary>A query as it came. Immutable.</summary>
internal readonly record struct DnsQuery
{
    /// <summary>What a datagram may have without more being said (RFC 1035, 4.2.1).</summary>
    public const int MinDatagram = 512;

    /// <summary>
    /// What is sent in a datagram at most, whatever the asker takes: it passes everywhere without fragments, and is not worth provoking.
    /// </summary>
    public const int MaxDatagram = 1232;

    private const ushort ResponseBit = 0x8000;
    private const ushort RecursionDesired = 0x0100;
    private const int RecordFieldsLength = 10;

    public ushort Id { get; private init; }

    /// <summary>Opcode and RD, which the answer repeats.</summary>
    public ushort RepeatedFlags { get; private init; }

    /// <summary>What is wrong with it; <see cref="DnsCode.None"/> where it can be answered.</summary>
    public DnsCode Error { get; private init; }

    /// <summary>Bytes of the question behind the header; 0 where it cannot be read.</summary>
    public int QuestionLength { get; private init; }

    /// <summary>Normalized, with characters in it that no host name has replaced.</summary>
    public string Name { get; private init; }

    public DnsType Type { get; private init; }

    public ushort Class { get; private init; }

    /// <summary>Whether it has the OPT record (RFC 6891), and so the answer must.</summary>
    public bool HasOptions { get; private init; }

    /// <summary>The DO bit, which the answer repeats (RFC 3225, 3).</summary>
    public bool WantsSignatures { get; private init; }

    /// <summary>How long a datagram that answers may be.</summary>
    public int DatagramLimit { get; private init; }

    /// <summary>Reads a message; false for what must not be answered: answers, and what has no header.</summary>
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

        // One question, and nothing that belongs into an answer.
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
