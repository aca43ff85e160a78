using System.Security.Cryptography;

namespace ZeroTier.Managed.Crypto;

/// <summary>The Diffie-Hellman function of RFC 7748, in constant time.</summary>
internal static class X25519
{
    public const int KeySize = 32;

    /// <summary>
    /// The shared secret of a private and a public key. False when it is all zeros, which only happens with a public key of small
    /// order: the secret would be known to everybody (RFC 7748, 6.1).
    /// </summary>
    public static bool ScalarMultiply(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret)
    {
        Ladder(privateKey, publicKey, sharedSecret);
        return !CryptographicOperations.FixedTimeEquals(sharedSecret[..KeySize], stackalloc byte[KeySize]);
    }

    /// <summary>The public key of a private key: the function with base point 9.</summary>
    public static void PublicKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        Span<byte> basePoint = stackalloc byte[KeySize];
        basePoint.Clear();
        basePoint[0] = 9;
        Ladder(privateKey, basePoint, publicKey);
    }

    // RFC 7748, 5: the Montgomery ladder.
    private static void Ladder(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> u, Span<byte> result)
    {
        Span<byte> k = stackalloc byte[KeySize];
        scalar[..KeySize].CopyTo(k);
        k[0] &= 0xf8;
        k[31] = (byte)(k[31] & 0x7f | 0x40);

        FieldElement x1 = FieldElement.Read(u);
        FieldElement x2 = FieldElement.One, z2 = default, x3 = x1, z3 = FieldElement.One;
        uint swap = 0;
        for (int t = 254; t >= 0; t--)
        {
            uint bit = (uint)k[t >> 3] >> (t & 7) & 1;
            swap ^= bit;
            FieldElement.ConditionalSwap(ref x2, ref x3, swap);
            FieldElement.ConditionalSwap(ref z2, ref z3, swap);
            swap = bit;

            FieldElement a = FieldElement.Add(x2, z2);
            FieldElement b = FieldElement.Subtract(x2, z2);
            FieldElement aa = FieldElement.Square(a);
            FieldElement bb = FieldElement.Square(b);
            FieldElement e = FieldElement.Subtract(aa, bb);
            FieldElement da = FieldElement.Multiply(FieldElement.Subtract(x3, z3), a);
            FieldElement cb = FieldElement.Multiply(FieldElement.Add(x3, z3), b);
            x3 = FieldElement.Square(FieldElement.Add(da, cb));
            z3 = FieldElement.Multiply(x1, FieldElement.Square(FieldElement.Subtract(da, cb)));
            x2 = FieldElement.Multiply(aa, bb);
            z2 = FieldElement.Multiply(e, FieldElement.Add(aa, FieldElement.Multiply(e, 121665)));
        }

        FieldElement.ConditionalSwap(ref x2, ref x3, swap);
        FieldElement.ConditionalSwap(ref z2, ref z3, swap);
        FieldElement.Multiply(x2, FieldElement.Invert(z2)).Write(result);
        CryptographicOperations.ZeroMemory(k);
    }
}
