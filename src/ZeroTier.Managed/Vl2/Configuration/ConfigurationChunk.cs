using System.Buffers.Binary;
using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>A chunk of a configuration (docs/protocol/3-vl2.md 3.3.4).</summary>
internal readonly ref struct ConfigurationChunk
{
    /// <summary>The most dictionary bytes that ZeroTierOne 1.12 puts into one chunk.</summary>
    public const int MaxDataLength = 9740;

    private const int HeaderLength = 10;
    private const int TrailerLength = 17;
    private const byte FastPropagation = 0x01;
    private const byte SignatureType = 1;

    /// <summary>The bytes of the dictionary from <see cref="Position"/> on.</summary>
    public ReadOnlySpan<byte> Data { get; private init; }

    /// <summary>
    /// False for the old format: a whole configuration in one unsigned chunk, which is accepted only from the controller itself.
    /// </summary>
    public bool IsSigned { get; private init; }

    /// <summary>The receiver is to forward the chunk to all members that it knows (fast propagation).</summary>
    public bool IsToBePassedOn { get; private init; }

    /// <summary>The same for all chunks of one configuration; never 0.</summary>
    public ulong UpdateId { get; private init; }

    /// <summary>Bytes of the whole dictionary.</summary>
    public int TotalLength { get; private init; }

    /// <summary>Offset of the chunk in the dictionary.</summary>
    public int Position { get; private init; }

    /// <summary>The bytes that are signed.</summary>
    public ReadOnlySpan<byte> Signed { get; private init; }

    public ReadOnlySpan<byte> Signature { get; private init; }

    /// <summary>Reads a chunk, from the network ID on; false when it is malformed. Does not check the signature.</summary>
    /// <param name="payload">The encoded chunk.</param>
    /// <param name="unsignedUpdateId">The update ID to give an unsigned chunk.</param>
    /// <param name="chunk">The chunk.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, ulong unsignedUpdateId, out ConfigurationChunk chunk)
    {
        chunk = default;
        if (payload.Length < HeaderLength)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(payload[8..]);
        if (length == 0 || payload.Length < HeaderLength + length)
        {
            return false;
        }

        ReadOnlySpan<byte> data = payload.Slice(HeaderLength, length);
        ReadOnlySpan<byte> trailer = payload[(HeaderLength + length)..];
        if (trailer.IsEmpty)
        {
            chunk = new() { Data = data, UpdateId = unsignedUpdateId, TotalLength = length };
            return true;
        }

        if (trailer.Length < TrailerLength + 3 + NodeIdentity.SignatureSize)
        {
            return false;
        }

        ulong updateId = BinaryPrimitives.ReadUInt64BigEndian(trailer[1..]);
        uint total = BinaryPrimitives.ReadUInt32BigEndian(trailer[9..]);
        uint position = BinaryPrimitives.ReadUInt32BigEndian(trailer[13..]);
        if (updateId == 0 || total > NetworkDictionary.MaxLength || position > total || length > total - position ||
            trailer[TrailerLength] != SignatureType ||
            BinaryPrimitives.ReadUInt16BigEndian(trailer[(TrailerLength + 1)..]) != NodeIdentity.SignatureSize)
        {
            return false;
        }

        chunk = new()
        {
            Data = data,
            IsSigned = true,
            IsToBePassedOn = (trailer[0] & FastPropagation) != 0,
            UpdateId = updateId,
            TotalLength = (int)total,
            Position = (int)position,
            Signed = payload[..(HeaderLength + length + TrailerLength)],
            Signature = trailer.Slice(TrailerLength + 3, NodeIdentity.SignatureSize),
        };
        return true;
    }

    /// <summary>Creates the signed chunks of a configuration, as the controller of a network.</summary>
    public static IEnumerable<byte[]> Issue(
        NodeIdentity controller, NetworkId network, ReadOnlyMemory<byte> dictionary, ulong updateId, int maxDataLength = MaxDataLength)
    {
        for (int position = 0; position < dictionary.Length; position += maxDataLength)
        {
            int length = Math.Min(maxDataLength, dictionary.Length - position);
            byte[] signed = new byte[HeaderLength + length + TrailerLength];
            BinaryPrimitives.WriteUInt64BigEndian(signed, network.Value);
            BinaryPrimitives.WriteUInt16BigEndian(signed.AsSpan(8), (ushort)length);
            dictionary.Span.Slice(position, length).CopyTo(signed.AsSpan(HeaderLength));
            Span<byte> trailer = signed.AsSpan(HeaderLength + length);
            BinaryPrimitives.WriteUInt64BigEndian(trailer[1..], updateId);
            BinaryPrimitives.WriteUInt32BigEndian(trailer[9..], (uint)dictionary.Length);
            BinaryPrimitives.WriteUInt32BigEndian(trailer[13..], (uint)position);
            yield return [.. signed, SignatureType, 0, NodeIdentity.SignatureSize, .. controller.Sign(signed)];
        }
    }
}
