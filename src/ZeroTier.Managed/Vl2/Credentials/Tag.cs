using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>
/// A tag: a number that the controller assigns to a member under a tag ID, and that rules compare (docs/protocol/3-vl2.md 3.5.3).
/// Immutable.
/// </summary>
internal sealed class Tag : Credential
{
    private const int FieldsLength = 34;

    public required uint Value { get; init; }

    public override CredentialType Type => CredentialType.Tag;

    /// <summary>Reads a tag and advances the span behind it; false when it is malformed.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> data, [NotNullWhen(true)] out Tag? tag)
    {
        tag = null;
        if (!SignedObject.TryTake(ref data, FieldsLength, out ReadOnlySpan<byte> encoded))
        {
            return false;
        }

        tag = new Tag
        {
            Encoded = encoded.ToArray(),
            Network = new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(encoded)),
            Timestamp = BinaryPrimitives.ReadUInt64BigEndian(encoded[8..]),
            Id = BinaryPrimitives.ReadUInt32BigEndian(encoded[16..]),
            Value = BinaryPrimitives.ReadUInt32BigEndian(encoded[20..]),
            IssuedTo = NodeId.Read(encoded[24..]),
        };
        return true;
    }

    /// <summary>Issues a tag, encoded, as the controller of a network.</summary>
    public static byte[] Issue(NodeIdentity controller, NetworkId network, ulong timestamp, uint id, uint value, NodeId member)
    {
        byte[] fields = new byte[FieldsLength];
        BinaryPrimitives.WriteUInt64BigEndian(fields, network.Value);
        BinaryPrimitives.WriteUInt64BigEndian(fields.AsSpan(8), timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(fields.AsSpan(16), id);
        BinaryPrimitives.WriteUInt32BigEndian(fields.AsSpan(20), value);
        member.Write(fields.AsSpan(24));
        controller.Address.Write(fields.AsSpan(29));
        return SignedObject.Sign(controller, fields);
    }

    public override SignatureResult CheckSignature(ISignerDirectory signers) =>
        SignedObject.Check(
            signers, Network, Encoded.Span[..FieldsLength], NodeId.Read(Encoded.Span[(FieldsLength - 5)..]), Encoded.Span[FieldsLength..]);
}
