using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZeroTier.Managed.Crypto;

/// <summary>Arithmetic modulo the group order L = 2^252 + 27742317777372353535851937790883648493, in constant time.</summary>
internal static class EdwardsScalar
{
    public const int Size = 32;

    private const ulong L0 = 0x5812631a5cf5d3ed;
    private const ulong L1 = 0x14def9dea2f79cd6;
    private const ulong L3 = 0x1000000000000000;

    /// <summary>Reduces a 512-bit little-endian number modulo L.</summary>
    public static void Reduce(ReadOnlySpan<byte> wide, Span<byte> result)
    {
        Span<ulong> limbs = stackalloc ulong[8];
        for (int i = 0; i < 8; i++)
        {
            limbs[i] = BinaryPrimitives.ReadUInt64LittleEndian(wide[(8 * i)..]);
        }

        Reduce(limbs, result);
        CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(limbs));
    }

    /// <summary>(a * b + c) mod L, of 32-byte little-endian numbers below 2^255.</summary>
    public static void MultiplyAdd(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c, Span<byte> result)
    {
        Span<ulong> limbs = stackalloc ulong[8];
        limbs.Clear();
        for (int i = 0; i < 4; i++)
        {
            limbs[i] = BinaryPrimitives.ReadUInt64LittleEndian(c[(8 * i)..]);
        }

        for (int i = 0; i < 4; i++)
        {
            ulong x = BinaryPrimitives.ReadUInt64LittleEndian(a[(8 * i)..]);
            ulong carry = 0;
            for (int j = 0; j < 4; j++)
            {
                UInt128 t = Math.BigMul(x, BinaryPrimitives.ReadUInt64LittleEndian(b[(8 * j)..])) + limbs[i + j] + carry;
                limbs[i + j] = (ulong)t;
                carry = (ulong)(t >> 64);
            }

            for (int j = i + 4; j < 8; j++)
            {
                UInt128 t = (UInt128)limbs[j] + carry;
                limbs[j] = (ulong)t;
                carry = (ulong)(t >> 64);
            }
        }

        Reduce(limbs, result);
        CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(limbs));
    }

    /// <summary>True when the 32-byte number is below L, as RFC 8032, 5.1.7 requires of S. Not constant time.</summary>
    public static bool IsCanonical(ReadOnlySpan<byte> scalar)
    {
        ReadOnlySpan<ulong> order = [L0, L1, 0, L3];
        for (int i = 3; i >= 0; i--)
        {
            ulong limb = BinaryPrimitives.ReadUInt64LittleEndian(scalar[(8 * i)..]);
            if (limb != order[i])
            {
                return limb < order[i];
            }
        }

        return false;
    }

    // Bit by bit from the top: r := 2r + bit, minus L if the difference is not negative. r < L < 2^253 holds throughout, so four limbs
    // suffice.
    private static void Reduce(ReadOnlySpan<ulong> wide, Span<byte> result)
    {
        ulong r0 = 0, r1 = 0, r2 = 0, r3 = 0;
        for (int i = 511; i >= 0; i--)
        {
            r3 = r3 << 1 | r2 >> 63;
            r2 = r2 << 1 | r1 >> 63;
            r1 = r1 << 1 | r0 >> 63;
            r0 = r0 << 1 | wide[i >> 6] >> (i & 63) & 1;

            UInt128 t = (UInt128)r0 - L0;
            ulong s0 = (ulong)t;
            t = (UInt128)r1 - L1 - ((ulong)(t >> 64) & 1);
            ulong s1 = (ulong)t;
            t = (UInt128)r2 - ((ulong)(t >> 64) & 1);
            ulong s2 = (ulong)t;
            t = (UInt128)r3 - L3 - ((ulong)(t >> 64) & 1);
            ulong s3 = (ulong)t;
            ulong keep = (ulong)(t >> 64);
            r0 = r0 & keep | s0 & ~keep;
            r1 = r1 & keep | s1 & ~keep;
            r2 = r2 & keep | s2 & ~keep;
            r3 = r3 & keep | s3 & ~keep;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(result, r0);
        BinaryPrimitives.WriteUInt64LittleEndian(result[8..], r1);
        BinaryPrimitives.WriteUInt64LittleEndian(result[16..], r2);
        BinaryPrimitives.WriteUInt64LittleEndian(result[24..], r3);
    }
}
