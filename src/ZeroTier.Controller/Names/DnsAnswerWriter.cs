using System.Buffers.Binary;
using System.Text;
using ZeroTier.Managed.Net;
using ZeroTier.Names;

namespace ZeroTier.Controller.Names;

/// <summary>Writes the answer to a DNS query (RFC 1035, 4.1). Names that share a suffix with the queried name are compressed.</summary>
internal ref struct DnsAnswerWriter
{
    private const int OptionsLength = 11;
    private const int PointerBits = 0xc000;
    private const ushort ResponseBit = 0x8000;
    private const ushort AuthoritativeBit = 0x0400;
    private const ushort TruncatedBit = 0x0200;

    private readonly Span<byte> _message;
    private readonly DnsQuery _query;
    private readonly int _limit;
    private int _length;
    private int _dataAt;
    private ushort _answers;
    private ushort _authorities;
    private bool _isTruncated;

    /// <summary>Starts an answer.</summary>
    /// <param name="destination">The buffer, of at least <see cref="DnsQuery.MaxDatagram"/> bytes.</param>
    /// <param name="message">The query message.</param>
    /// <param name="query">The parsed query.</param>
    /// <param name="limit">The maximum length of the answer.</param>
    public DnsAnswerWriter(Span<byte> destination, ReadOnlySpan<byte> message, in DnsQuery query, int limit)
    {
        _message = destination[..Math.Min(limit, destination.Length)];
        _query = query;
        _limit = _message.Length - (query.HasOptions ? OptionsLength : 0);

        // The question is copied byte for byte, because resolvers may randomise the case of letters to detect forged answers (0x20
        // encoding).
        message.Slice(DnsResponse.HeaderLength, query.QuestionLength).CopyTo(_message[DnsResponse.HeaderLength..]);
        _length = DnsResponse.HeaderLength + query.QuestionLength;
    }

    /// <summary>Adds an address record of the queried name.</summary>
    public void AddAddress(in IpAddress address, uint lifetime)
    {
        int at = _length;
        if (TryBegin(_query.Name, address.IsIPv4 ? DnsType.A : DnsType.Aaaa, lifetime) && TryTake(address.Length, out Span<byte> data))
        {
            address.Write(data);
        }

        End(at, ref _answers);
    }

    /// <summary>Adds a record whose data is a name, such as PTR or NS.</summary>
    public void AddName(DnsType type, string target, uint lifetime)
    {
        int at = _length;
        if (TryBegin(_query.Name, type, lifetime))
        {
            WriteName(target);
        }

        End(at, ref _answers);
    }

    /// <summary>Adds the SOA record of a zone: as the answer, or in the authority section of a negative answer (RFC 2308, 3).</summary>
    public void AddZone(string zone, string server, string mailbox, uint serial, uint lifetime, bool isAnswer)
    {
        const uint Refresh = 3600, Retry = 600, Expire = 86_400;
        int at = _length;
        if (TryBegin(zone, DnsType.Soa, lifetime))
        {
            WriteName(server);
            WriteName(mailbox);
            foreach (uint number in (ReadOnlySpan<uint>)[serial, Refresh, Retry, Expire, lifetime])
            {
                if (TryTake(sizeof(uint), out Span<byte> data))
                {
                    BinaryPrimitives.WriteUInt32BigEndian(data, number);
                }
            }
        }

        End(at, ref isAnswer ? ref _answers : ref _authorities);
    }

    /// <summary>Completes the message.</summary>
    /// <returns>Its length.</returns>
    public readonly int Complete(DnsCode code, bool isAuthoritative)
    {
        // If not all records fit, all are left out (RFC 2181, 9): the client repeats the query over TCP.
        int length = _isTruncated ? DnsResponse.HeaderLength + _query.QuestionLength : _length;
        ushort flags = (ushort)(ResponseBit | _query.RepeatedFlags | (isAuthoritative ? AuthoritativeBit : 0)
            | (_isTruncated ? TruncatedBit : 0) | ((int)code & 0xf));
        BinaryPrimitives.WriteUInt16BigEndian(_message, _query.Id);
        BinaryPrimitives.WriteUInt16BigEndian(_message[2..], flags);
        BinaryPrimitives.WriteUInt16BigEndian(_message[4..], (ushort)(_query.QuestionLength > 0 ? 1 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(_message[6..], _isTruncated ? (ushort)0 : _answers);
        BinaryPrimitives.WriteUInt16BigEndian(_message[8..], _isTruncated ? (ushort)0 : _authorities);
        BinaryPrimitives.WriteUInt16BigEndian(_message[10..], (ushort)(_query.HasOptions ? 1 : 0));
        if (!_query.HasOptions)
        {
            return length;
        }

        Span<byte> options = _message.Slice(length, OptionsLength);
        options.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(options[1..], (ushort)DnsType.Opt);
        BinaryPrimitives.WriteUInt16BigEndian(options[3..], DnsQuery.MaxDatagram);
        options[5] = (byte)((int)code >> 4);
        options[7] = (byte)(_query.WantsSignatures ? 0x80 : 0);
        return length + OptionsLength;
    }

    private bool TryBegin(string owner, DnsType type, uint lifetime)
    {
        WriteName(owner);
        if (!TryTake(10, out Span<byte> fields))
        {
            return false;
        }

        BinaryPrimitives.WriteUInt16BigEndian(fields, (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(fields[2..], DnsQuestion.Internet);
        BinaryPrimitives.WriteUInt32BigEndian(fields[4..], lifetime);
        _dataAt = _length;
        return true;
    }

    private void End(int start, ref ushort count)
    {
        if (_isTruncated)
        {
            _length = start;
            return;
        }

        BinaryPrimitives.WriteUInt16BigEndian(_message[(_dataAt - 2)..], (ushort)(_length - _dataAt));
        count++;
    }

    private void WriteName(string name)
    {
        while (name.Length > 0)
        {
            if (DnsName.IsIn(_query.Name, name))
            {
                if (TryTake(2, out Span<byte> pointer))
                {
                    BinaryPrimitives.WriteUInt16BigEndian(
                        pointer, (ushort)(PointerBits | (DnsResponse.HeaderLength + _query.Name.Length - name.Length)));
                }

                return;
            }

            int dot = name.IndexOf('.', StringComparison.Ordinal);
            string label = dot < 0 ? name : name[..dot];
            if (TryTake(1 + label.Length, out Span<byte> bytes))
            {
                bytes[0] = (byte)label.Length;
                Encoding.ASCII.GetBytes(label, bytes[1..]);
            }

            name = dot < 0 ? "" : name[(dot + 1)..];
        }

        if (TryTake(1, out Span<byte> end))
        {
            end[0] = 0;
        }
    }

    private bool TryTake(int length, out Span<byte> bytes)
    {
        bytes = default;
        _isTruncated |= _limit - _length < length;
        if (_isTruncated)
        {
            return false;
        }

        bytes = _message.Slice(_length, length);
        _length += length;
        return true;
    }
}
