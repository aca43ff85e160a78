using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;

namespace ZeroTier.Managed.Crypto;

/// <summary>The one-time authenticator of RFC 8439, 2.5, in constant time.</summary>
internal static partial class Poly1305
{
    public const int KeySize = 32;
    public const int TagSize = 16;

    /// <summary>Computes the 16-byte tag. A key must never be used for two different messages.</summary>
    public static void Tag(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> tag) => Tag(IsVectorized, key, data, tag);

    /// <summary>Whether four blocks are processed at a time on this processor.</summary>
    internal static bool IsVectorized => Avx2.IsSupported;

    internal static void Tag(bool vectorized, ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> tag)
    {
        // r, clamped (RFC 8439, 2.5). The low two bits of r1 are zero, so that 5/4 of it is an integer.
        ulong r0 = BinaryPrimitives.ReadUInt64LittleEndian(key) & 0x0ffffffc0fffffff;
        ulong r1 = BinaryPrimitives.ReadUInt64LittleEndian(key[8..]) & 0x0ffffffc0ffffffc;
        ulong s1 = r1 + (r1 >> 2);

        // h = h0 + h1 * 2^64 + h2 * 2^128, kept below 2^131.
        ulong h0 = 0, h1 = 0, h2 = 0;
        if (vectorized && data.Length >= VectorThreshold)
        {
            data = data[AbsorbSteps(ref h0, ref h1, ref h2, r0, r1, s1, data)..];
        }

        while (data.Length >= 16)
        {
            Absorb(
                ref h0,
                ref h1,
                ref h2,
                r0,
                r1,
                s1,
                BinaryPrimitives.ReadUInt64LittleEndian(data),
                BinaryPrimitives.ReadUInt64LittleEndian(data[8..]),
                1);
            data = data[16..];
        }

        if (data.Length > 0)
        {
            Span<byte> last = stackalloc byte[16];
            last.Clear();
            data.CopyTo(last);
            last[data.Length] = 1;
            Absorb(
                ref h0,
                ref h1,
                ref h2,
                r0,
                r1,
                s1,
                BinaryPrimitives.ReadUInt64LittleEndian(last),
                BinaryPrimitives.ReadUInt64LittleEndian(last[8..]),
                0);
        }

        // h mod p: h + 5 reaches 2^130 exactly when h >= p.
        UInt128 t = (UInt128)h0 + 5;
        ulong g0 = (ulong)t;
        t = (UInt128)h1 + (ulong)(t >> 64);
        ulong g1 = (ulong)t;
        ulong g2 = h2 + (ulong)(t >> 64);
        ulong mask = 0UL - (g2 >> 2);
        h0 = h0 & ~mask | g0 & mask;
        h1 = h1 & ~mask | g1 & mask;

        t = (UInt128)h0 + BinaryPrimitives.ReadUInt64LittleEndian(key[16..]);
        BinaryPrimitives.WriteUInt64LittleEndian(tag, (ulong)t);
        BinaryPrimitives.WriteUInt64LittleEndian(tag[8..], h1 + BinaryPrimitives.ReadUInt64LittleEndian(key[24..]) + (ulong)(t >> 64));
    }

    // h := (h + block) * r, partly reduced modulo 2^130 - 5.
    private static void Absorb(ref ulong h0, ref ulong h1, ref ulong h2, ulong r0, ulong r1, ulong s1, ulong low, ulong high, ulong top)
    {
        UInt128 t = (UInt128)h0 + low;
        ulong a0 = (ulong)t;
        t = (UInt128)h1 + high + (ulong)(t >> 64);
        ulong a1 = (ulong)t;
        ulong a2 = h2 + top + (ulong)(t >> 64);

        // 2^128 r1 = 2^130 (r1 / 4) = 5 (r1 / 4) modulo p, and r1 + r1/4 = s1. a2 is below 8, so its products fit 64 bits.
        UInt128 d0 = Math.BigMul(a0, r0) + Math.BigMul(a1, s1);
        UInt128 d1 = Math.BigMul(a0, r1) + Math.BigMul(a1, r0) + a2 * s1 + (ulong)(d0 >> 64);
        ulong d2 = a2 * r0 + (ulong)(d1 >> 64);

        // Bits from 130 on are multiplied by 5 and added at the bottom: 4 * (d2 >> 2) + (d2 >> 2).
        ulong carry = (d2 >> 2) + (d2 & ~3UL);
        t = (UInt128)(ulong)d0 + carry;
        h0 = (ulong)t;
        t = (UInt128)(ulong)d1 + (ulong)(t >> 64);
        h1 = (ulong)t;
        h2 = (d2 & 3) + (ulong)(t >> 64);
    }
}
