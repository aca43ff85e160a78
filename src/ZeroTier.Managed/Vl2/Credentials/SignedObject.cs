using System.Buffers.Binary;
using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>
/// The signature block at the end of tags, certificates of ownership, revocations and links of custody, and the bytes that are signed
/// (docs/protocol/3-vl2.md 3.5.1).
/// </summary>
internal static class SignedObject
{
    private const byte KnownType = 1;
    private const int GuardLength = 8;
    private const byte GuardByte = 0x7f;

    /// <summary>
    /// Reads the block and advances the span behind it. A signature of an unknown type is returned as empty, and is never valid.
    /// </summary>
    public static bool TryReadSignature(ref ReadOnlySpan<byte> data, out ReadOnlySpan<byte> signature)
    {
        signature = default;
        if (data.Length < 3)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(data[1..]);
        bool known = data[0] == KnownType;
        if (data.Length < 3 + length || (known && length != NodeIdentity.SignatureSize))
        {
            return false;
        }

        signature = known ? data.Slice(3, length) : default;
        data = data[(3 + length)..];
        return true;
    }

    /// <summary>Advances the span behind the additional fields, which no version uses and which are not signed.</summary>
    public static bool TrySkipAdditionalFields(ref ReadOnlySpan<byte> data)
    {
        if (data.Length < 2 || BinaryPrimitives.ReadUInt16BigEndian(data) is var length && data.Length < 2 + length)
        {
            return false;
        }

        data = data[(2 + length)..];
        return true;
    }

    /// <summary>
    /// Takes an object with its signature block and additional fields, given the length of its signed fields, and advances the span behind
    /// it; false when it is truncated or malformed.
    /// </summary>
    public static bool TryTake(ref ReadOnlySpan<byte> data, int fieldsLength, out ReadOnlySpan<byte> encoded)
    {
        encoded = default;
        if (data.Length < fieldsLength)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = data[fieldsLength..];
        if (!TryReadSignature(ref rest, out _) || !TrySkipAdditionalFields(ref rest))
        {
            return false;
        }

        encoded = data[..^rest.Length];
        data = rest;
        return true;
    }

    /// <summary>Checks that the fields of an object are signed by the controller of a network, given the signature block.</summary>
    public static SignatureResult Check(
        ISignerDirectory signers, NetworkId network, ReadOnlySpan<byte> fields, NodeId signedBy, ReadOnlySpan<byte> block) =>
        network.Controller is not { } controller || signedBy != controller || !TryReadSignature(ref block, out ReadOnlySpan<byte> signature)
            ? SignatureResult.Bad
            : Verify(signers, controller, fields, signature);

    /// <summary>Checks a signature over the fields before the signature block.</summary>
    public static SignatureResult Verify(ISignerDirectory signers, NodeId signer, ReadOnlySpan<byte> fields, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != NodeIdentity.SignatureSize)
        {
            return SignatureResult.Bad;
        }

        return signers.Find(signer) is not { } identity ? SignatureResult.UnknownSigner
            : identity.Verify(SignedBytes(fields), signature) ? SignatureResult.Good : SignatureResult.Bad;
    }

    /// <summary>Signs the fields, and appends the signature block and no additional fields.</summary>
    public static byte[] Sign(NodeIdentity signer, ReadOnlySpan<byte> fields) => [.. fields, .. SignatureBlock(signer, fields), 0, 0];

    /// <summary>The signature block over the fields.</summary>
    public static byte[] SignatureBlock(NodeIdentity signer, ReadOnlySpan<byte> fields) =>
        [KnownType, 0, NodeIdentity.SignatureSize, .. signer.Sign(SignedBytes(fields))];

    // The fields between markers, so that a signature of another kind of object is not valid for this one.
    private static byte[] SignedBytes(ReadOnlySpan<byte> fields)
    {
        byte[] bytes = new byte[GuardLength + fields.Length + 2 + GuardLength];
        bytes.AsSpan(0, GuardLength).Fill(GuardByte);
        fields.CopyTo(bytes.AsSpan(GuardLength));
        bytes.AsSpan(bytes.Length - GuardLength).Fill(GuardByte);
        return bytes;
    }
}
