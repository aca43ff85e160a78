using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>
/// Revokes credentials of a member that its controller issued up to a certain time (docs/protocol/3-vl2.md 3.5.6). Immutable.
/// </summary>
internal sealed class Revocation
{
    private const int FieldsLength = 51;
    private const ulong FastPropagation = 1;

    /// <summary>The revocation as received, to be forwarded.</summary>
    public required ReadOnlyMemory<byte> Encoded { get; init; }

    public required NetworkId Network { get; init; }

    /// <summary>ID of the revoked credential; 0 for certificates of membership.</summary>
    public required uint CredentialId { get; init; }

    /// <summary>Credentials with this or an earlier time stamp are revoked; by the controller's clock in milliseconds.</summary>
    public required ulong Threshold { get; init; }

    /// <summary>Receivers are to forward it to all members that they know (fast propagation).</summary>
    public required bool IsToBePassedOn { get; init; }

    public required NodeId Target { get; init; }

    public required CredentialType Type { get; init; }

    /// <summary>Reads a revocation and advances the span behind it; false when it is malformed.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> data, [NotNullWhen(true)] out Revocation? revocation)
    {
        revocation = null;
        if (!SignedObject.TryTake(ref data, FieldsLength, out ReadOnlySpan<byte> encoded))
        {
            return false;
        }

        revocation = new Revocation
        {
            Encoded = encoded.ToArray(),
            Network = new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(encoded[8..])),
            CredentialId = BinaryPrimitives.ReadUInt32BigEndian(encoded[20..]),
            Threshold = BinaryPrimitives.ReadUInt64BigEndian(encoded[24..]),
            IsToBePassedOn = (BinaryPrimitives.ReadUInt64BigEndian(encoded[32..]) & FastPropagation) != 0,
            Target = NodeId.Read(encoded[40..]),
            Type = (CredentialType)encoded[50],
        };
        return true;
    }

    /// <summary>Issues a revocation, encoded, as the controller of a network, with fast propagation.</summary>
    public static byte[] Issue(
        NodeIdentity controller, NetworkId network, uint id, CredentialType type, uint credentialId, ulong threshold, NodeId target)
    {
        byte[] fields = new byte[FieldsLength];
        BinaryPrimitives.WriteUInt32BigEndian(fields.AsSpan(4), id);
        BinaryPrimitives.WriteUInt64BigEndian(fields.AsSpan(8), network.Value);
        BinaryPrimitives.WriteUInt32BigEndian(fields.AsSpan(20), credentialId);
        BinaryPrimitives.WriteUInt64BigEndian(fields.AsSpan(24), threshold);
        BinaryPrimitives.WriteUInt64BigEndian(fields.AsSpan(32), FastPropagation);
        target.Write(fields.AsSpan(40));
        controller.Address.Write(fields.AsSpan(45));
        fields[50] = (byte)type;
        return SignedObject.Sign(controller, fields);
    }

    /// <summary>Checks the signature of the network's controller.</summary>
    public SignatureResult CheckSignature(ISignerDirectory signers)
    {
        // The two reserved fields are signed as zeros, whatever was received.
        Span<byte> fields = stackalloc byte[FieldsLength];
        Encoded.Span[..FieldsLength].CopyTo(fields);
        fields[..4].Clear();
        fields[16..20].Clear();
        return SignedObject.Check(signers, Network, fields, NodeId.Read(fields[45..]), Encoded.Span[FieldsLength..]);
    }
}
