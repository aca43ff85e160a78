using System.Security.Cryptography;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// The signatures of RFC 8032, 5.1 (plain Ed25519, no context, no prehash). Signing is constant time, verification is not.
/// </summary>
internal static class Ed25519
{
    public const int KeySize = 32;
    public const int SignatureSize = 64;

    /// <summary>The public key of a 32-byte seed (RFC 8032, 5.1.5).</summary>
    public static void PublicKey(ReadOnlySpan<byte> seed, Span<byte> publicKey)
    {
        Span<byte> expanded = stackalloc byte[64];
        Expand(seed, expanded);
        MultiplyBase(expanded[..32]).Write(publicKey);
        CryptographicOperations.ZeroMemory(expanded);
    }

    /// <summary>Signs (RFC 8032, 5.1.6). The public key must belong to the seed.</summary>
    public static void Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        Span<byte> expanded = stackalloc byte[64];
        Span<byte> digest = stackalloc byte[64];
        Span<byte> r = stackalloc byte[32];
        Span<byte> k = stackalloc byte[32];
        Expand(seed, expanded);
        Hash(expanded[32..], message, default, digest);
        EdwardsScalar.Reduce(digest, r);
        MultiplyBase(r).Write(signature);
        Hash(signature[..32], publicKey[..32], message, digest);
        EdwardsScalar.Reduce(digest, k);
        EdwardsScalar.MultiplyAdd(k, expanded[..32], r, signature[32..64]);
        CryptographicOperations.ZeroMemory(expanded);
        CryptographicOperations.ZeroMemory(r);
        CryptographicOperations.ZeroMemory(digest);
    }

    /// <summary>
    /// Verifies a signature (RFC 8032, 5.1.7): S below L, canonical point encodings, and the equation without the cofactor, as ZeroTierOne
    /// 1.12 does. Public keys of small order are refused: valid signatures for them can be made without a private key.
    /// </summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != KeySize || signature.Length != SignatureSize || !EdwardsScalar.IsCanonical(signature[32..]) ||
            !EdwardsPoint.TryRead(publicKey, out EdwardsPoint a) || a.IsOfSmallOrder())
        {
            return false;
        }

        Span<byte> digest = stackalloc byte[64];
        Span<byte> k = stackalloc byte[32];
        Hash(signature[..32], publicKey, message, digest);
        EdwardsScalar.Reduce(digest, k);

        // R = S B - k A; both products share the doublings.
        Span<EdwardsPoint> multiples = stackalloc EdwardsPoint[16];
        EdwardsPoint.Multiples(EdwardsPoint.Negate(a), multiples);
        EdwardsPoint sum = EdwardsPoint.Identity;
        for (int i = 63; i >= 0; i--)
        {
            sum = Times16(sum);
            sum = EdwardsPoint.Add(sum, EdwardsPoint.BaseMultiples[(int)Window(signature[32..], i)]);
            sum = EdwardsPoint.Add(sum, multiples[(int)Window(k, i)]);
        }

        Span<byte> encoded = stackalloc byte[32];
        sum.Write(encoded);
        return encoded.SequenceEqual(signature[..32]);
    }

    private static void Expand(ReadOnlySpan<byte> seed, Span<byte> expanded)
    {
        SHA512.HashData(seed[..32], expanded);
        expanded[0] &= 0xf8;
        expanded[31] = (byte)(expanded[31] & 0x7f | 0x40);
    }

    // Four bits of the scalar at a time. Table entries are read in constant time.
    private static EdwardsPoint MultiplyBase(ReadOnlySpan<byte> scalar)
    {
        EdwardsPoint sum = EdwardsPoint.Identity;
        for (int i = 63; i >= 0; i--)
        {
            sum = Times16(sum);
            sum = EdwardsPoint.Add(sum, EdwardsPoint.Select(EdwardsPoint.BaseMultiples, Window(scalar, i)));
        }

        return sum;
    }

    private static EdwardsPoint Times16(in EdwardsPoint p) =>
        EdwardsPoint.Double(EdwardsPoint.Double(EdwardsPoint.Double(EdwardsPoint.Double(p))));

    private static uint Window(ReadOnlySpan<byte> scalar, int index) => (uint)scalar[index >> 1] >> (4 * (index & 1)) & 15;

    private static void Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third, Span<byte> digest)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        hash.AppendData(first);
        hash.AppendData(second);
        hash.AppendData(third);
        hash.GetHashAndReset(digest);
    }
}
