using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// The payload of PUSH_DIRECT_PATHS (docs/protocol/2-vl1.md 2.6.13): a count and records, read one by one. The redirect flag is ignored:
/// such records are read like others.
/// </summary>
internal ref struct PushDirectPathsMessage
{
    /// <summary>Longest record that we write.</summary>
    public const int MaxRecordSize = 5 + 18;

    private const byte Forget = 0x01;
    private ReadOnlySpan<byte> _rest;
    private int _left;

    public PushDirectPathsMessage(ReadOnlySpan<byte> payload)
    {
        if (payload.Length >= 2)
        {
            _left = BinaryPrimitives.ReadUInt16BigEndian(payload);
            _rest = payload[2..];
        }
    }

    /// <summary>True when a record was truncated, so that nothing more can be read.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Reads the next endpoint; records with the forget flag and of unknown types are skipped.</summary>
    public bool TryReadNext(out InetEndPoint endPoint)
    {
        while (_left-- > 0)
        {
            endPoint = default;
            if (_rest.Length < 3)
            {
                break;
            }

            byte flags = _rest[0];
            int extension = BinaryPrimitives.ReadUInt16BigEndian(_rest[1..]);
            if (_rest.Length < 5 + extension)
            {
                break;
            }

            var address = _rest[(3 + extension)..];
            int length = address[1];
            if (address.Length < 2 + length)
            {
                break;
            }

            _rest = address[(2 + length)..];
            if ((flags & Forget) == 0 && (address[0], length) is (4, 6) or (6, 18))
            {
                endPoint = InetEndPoint.FromBytes(address[2..length], BinaryPrimitives.ReadUInt16BigEndian(address[length..]));
                return true;
            }
        }

        IsDamaged = _left >= 0;
        _left = 0;
        endPoint = default;
        return false;
    }

    /// <summary>Writes the payload.</summary>
    /// <param name="payload">2 bytes, and <see cref="MaxRecordSize"/> for each endpoint.</param>
    /// <param name="endPoints">The endpoints to announce.</param>
    public static int Write(Span<byte> payload, IReadOnlyList<InetEndPoint> endPoints)
    {
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)endPoints.Count);
        int at = 2;
        for (int i = 0; i < endPoints.Count; i++)
        {
            var endPoint = endPoints[i];
            payload.Slice(at, 3).Clear();
            payload[at + 3] = (byte)(endPoint.AddressLength == 4 ? 4 : 6);
            payload[at + 4] = (byte)(endPoint.AddressLength + 2);
            at += 5;
            at += endPoint.WriteAddress(payload[at..]);
            BinaryPrimitives.WriteUInt16BigEndian(payload[at..], endPoint.Port);
            at += 2;
        }

        return at;
    }
}
