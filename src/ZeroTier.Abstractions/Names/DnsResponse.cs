using System.Buffers.Binary;
using System.Net;

namespace ZeroTier.Names;

/// <summary>The outcome of a query.</summary>
internal enum DnsOutcome
{
    /// <summary>The name exists; it may have no addresses of the requested type.</summary>
    Answer,

    /// <summary>There is no such name.</summary>
    NoSuchName,

    /// <summary>The answer did not fit into a datagram; repeat the query over TCP.</summary>
    Truncated,

    /// <summary>The server cannot, or will not, answer.</summary>
    Refused,
}

/// <summary>The answer to one question. Immutable.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Addresses">The addresses of the name; at most <see cref="MaxAddresses"/>.</param>
/// <param name="Alias">When there are no addresses: the canonical name (CNAME) to query instead; null for none.</param>
/// <param name="TimeToLive">How long the answer may be cached.</param>
internal sealed record DnsResponse(DnsOutcome Outcome, IReadOnlyList<IPAddress> Addresses, string? Alias, TimeSpan TimeToLive)
{
    /// <summary>The length of the message header in bytes (RFC 1035, 4.1.1).</summary>
    public const int HeaderLength = 12;

    public const int MaxAddresses = 16;

    /// <summary>The longest chain of CNAME records that is followed.</summary>
    public const int MaxAliases = 8;

    private const ushort ResponseAndOpcode = 0xf800;
    private const ushort Response = 0x8000;
    private const ushort TruncatedBit = 0x0200;
    private const ushort CodeMask = 0x000f;
    private const int NameErrorCode = 3;
    private const int RecordFieldsLength = 10;
    private const int SoaNumbersLength = 20;

    /// <summary>
    /// Parses the answer to a question. False when the message is malformed or answers another question: its sender may be a forger who
    /// does not know the question, so the caller should keep waiting for the real answer.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> message, ushort id, DnsQuestion question, out DnsResponse response)
    {
        response = new(DnsOutcome.Refused, [], null, TimeSpan.Zero);
        if (message.Length < HeaderLength || BinaryPrimitives.ReadUInt16BigEndian(message) != id ||
            BinaryPrimitives.ReadUInt16BigEndian(message[2..]) is var flags && (flags & ResponseAndOpcode) != Response ||
            BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1)
        {
            return false;
        }

        int offset = HeaderLength;
        if (!DnsName.TryRead(message, ref offset, out string asked) || message.Length - offset < 4 || asked != question.Name ||
            BinaryPrimitives.ReadUInt16BigEndian(message[offset..]) != (ushort)question.Type ||
            BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]) != DnsQuestion.Internet)
        {
            return false;
        }

        int code = flags & CodeMask;
        if ((flags & TruncatedBit) != 0 || code is not (0 or NameErrorCode))
        {
            response = response with { Outcome = code is 0 or NameErrorCode ? DnsOutcome.Truncated : DnsOutcome.Refused };
            return true;
        }

        var reader = new RecordReader(message, offset + 4, question.Type);
        return reader.TryReadAnswers(BinaryPrimitives.ReadUInt16BigEndian(message[6..]), out var records)
            && reader.TryReadNegativeTime(BinaryPrimitives.ReadUInt16BigEndian(message[8..]), out uint negative)
            && Follow(question.Name, code == NameErrorCode, records, negative, out response);
    }

    // Follows CNAME records from the name to its addresses. Other records in the answer are ignored.
    private static bool Follow(string name, bool isNameError, List<Record> records, uint negative, out DnsResponse response)
    {
        uint lifetime = uint.MaxValue;
        string owner = name;
        for (int aliases = 0; aliases <= MaxAliases; aliases++)
        {
            var addresses = records.Where(r => r.Owner == owner && r.Address is not null).Take(MaxAddresses).ToArray();
            if (addresses.Length > 0)
            {
                lifetime = Math.Min(lifetime, addresses.Min(r => r.TimeToLive));
                response = new(DnsOutcome.Answer, [.. addresses.Select(r => r.Address!)], null, TimeSpan.FromSeconds(lifetime));
                return true;
            }

            if (records.Find(r => r.Owner == owner && r.Alias is not null) is not { Alias: { } next } alias)
            {
                // RFC 2308: a name error refers to the last name of the chain, and a NODATA answer may be cached for the zone's negative
                // TTL.
                bool isAlias = owner != name;
                response = isNameError ? new(DnsOutcome.NoSuchName, [], null, TimeSpan.FromSeconds(Math.Min(lifetime, negative)))
                    : new(DnsOutcome.Answer, [], isAlias ? owner : null, TimeSpan.FromSeconds(isAlias ? lifetime : negative));
                return true;
            }

            lifetime = Math.Min(lifetime, alias.TimeToLive);
            owner = next;
        }

        response = new(DnsOutcome.Refused, [], null, TimeSpan.Zero);
        return true;
    }

    private readonly record struct Record(string Owner, uint TimeToLive, IPAddress? Address, string? Alias);

    /// <summary>Reads the records after the question section.</summary>
    private ref struct RecordReader(ReadOnlySpan<byte> message, int offset, DnsType type)
    {
        private readonly ReadOnlySpan<byte> _message = message;
        private int _offset = offset;

        public bool TryReadAnswers(int count, out List<Record> records)
        {
            records = [];
            for (; count > 0; count--)
            {
                if (!TryReadRecord(out string owner, out ushort kind, out uint lifetime, out int start, out var data))
                {
                    return false;
                }

                if (kind == (ushort)type && data.Length == (type == DnsType.A ? 4 : 16))
                {
                    records.Add(new Record(owner, lifetime, new IPAddress(data), null));
                }
                else if (kind == (ushort)DnsType.CName)
                {
                    if (!DnsName.TryRead(_message, ref start, out string alias) || start != _offset)
                    {
                        return false;
                    }

                    records.Add(new Record(owner, lifetime, null, alias));
                }
            }

            return true;
        }

        /// <summary>
        /// RFC 2308, 5: the negative TTL is the minimum of the SOA record's TTL and its MINIMUM field; without an SOA record nothing may be
        /// cached.
        /// </summary>
        public bool TryReadNegativeTime(int count, out uint seconds)
        {
            seconds = 0;
            for (; count > 0; count--)
            {
                if (!TryReadRecord(out _, out ushort kind, out uint lifetime, out _, out var data))
                {
                    return false;
                }

                if (kind == (ushort)DnsType.Soa && data.Length > SoaNumbersLength)
                {
                    seconds = Math.Min(lifetime, BinaryPrimitives.ReadUInt32BigEndian(data[^4..]));
                }
            }

            return true;
        }

        private bool TryReadRecord(out string owner, out ushort kind, out uint lifetime, out int start, out ReadOnlySpan<byte> data)
        {
            (kind, lifetime, start) = (0, 0, 0);
            data = default;
            if (!DnsName.TryRead(_message, ref _offset, out owner) || _message.Length - _offset < RecordFieldsLength)
            {
                return false;
            }

            var fields = _message[_offset..];
            bool isInternet = BinaryPrimitives.ReadUInt16BigEndian(fields[2..]) == DnsQuestion.Internet;
            kind = isInternet ? BinaryPrimitives.ReadUInt16BigEndian(fields) : (ushort)0;

            // RFC 2181, 8: a TTL with the most significant bit set counts as zero.
            uint seconds = BinaryPrimitives.ReadUInt32BigEndian(fields[4..]);
            lifetime = seconds > int.MaxValue ? 0 : seconds;
            int length = BinaryPrimitives.ReadUInt16BigEndian(fields[8..]);
            start = _offset + RecordFieldsLength;
            if (_message.Length - start < length)
            {
                return false;
            }

            data = _message.Slice(start, length);
            _offset = start + length;
            return true;
        }
    }
}
