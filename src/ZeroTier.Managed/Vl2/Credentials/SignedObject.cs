using System.Buffers.Binary;
using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>
/// The signature block that ends tags, ownership certificates, revocations and links of custody, and what it covers (docs/protocol/3-vl2.md
/// 3.5.1).
/// </summary>
internal static class SignedObject
{
    private const byte KnownType = 1;
    private const int GuardLength = 8;
    private const byte GuardByte = 0x7f;

    /// <summary>Reads the block and moves behind it. A signature of an unknown type is empty, and never good.</summary>
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

    /// <summary>Moves behind the additional fields, which no version uses and no signature covers.</summary>
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
    /// Takes an object whose signed fields have a length, with its signature block and additional fields, and moves behind it; false when
    /// it is cut off or damaged.
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

    /// <summary>Checks that an object of a network is signed by its controller: the fields, then a signature block.</summary>
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

    // The guards keep a signature of one kind of object from being taken for another's.
    private static byte[] SignedBytes(ReadOnlySpan<byte> fields)
    {
        byte[] bytes = new byte[GuardLength + fields.Length + 2 + GuardLength];
        bytes.AsSpan(0, GuardLength).Fill(GuardByte);
        fields.CopyTo(bytes.AsSpan(GuardLength));
        bytes.AsSpan(bytes.Length - GuardLength).Fill(GuardByte);
        return bytes;
    }
}
