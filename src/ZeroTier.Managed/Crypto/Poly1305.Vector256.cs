using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ZeroTier.Managed.Crypto;

/// <content>
/// Four blocks at a time with AVX2. Each 64-bit lane accumulates every fourth block in five limbs of 26 bits, and is multiplied by r^4 in
/// each step; in the last step the lanes are multiplied by r^4, r^3, r^2 and r instead, so that their sum is the result. </content>
internal static partial class Poly1305
{
    private const int Step = 64;

    // For shorter data, computing the powers of r costs more than it saves.
    private const int VectorThreshold = 4 * Step;

    private const ulong LimbMask = (1UL << 26) - 1;

    // Absorbs all whole steps of the data into h, which must be zero before. Returns the number of bytes processed.
    [SkipLocalsInit]
    private static int AbsorbSteps(ref ulong h0, ref ulong h1, ref ulong h2, ulong r0, ulong r1, ulong s1, ReadOnlySpan<byte> data)
    {
        // Unpacking puts the blocks of a step into lanes 0, 2, 1, 3, so the powers are stored in that order.
        Span<ulong> powers = stackalloc ulong[5 * 4];
        ulong p0 = r0, p1 = r1, p2 = 0;
        StorePower(powers[3..], p0, p1, p2);
        Absorb(ref p0, ref p1, ref p2, r0, r1, s1, 0, 0, 0);
        StorePower(powers[1..], p0, p1, p2);
        Absorb(ref p0, ref p1, ref p2, r0, r1, s1, 0, 0, 0);
        StorePower(powers[2..], p0, p1, p2);
        Absorb(ref p0, ref p1, ref p2, r0, r1, s1, 0, 0, 0);
        StorePower(powers, p0, p1, p2);

        Vector256<ulong> mask = Vector256.Create(LimbMask), top = Vector256.Create(1UL << 24);
        Vector256<ulong> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default;
        Vector256<uint> k0 = Vector256.Create(powers[0]).AsUInt32(), k1 = Vector256.Create(powers[4]).AsUInt32();
        Vector256<uint> k2 = Vector256.Create(powers[8]).AsUInt32(), k3 = Vector256.Create(powers[12]).AsUInt32();
        Vector256<uint> k4 = Vector256.Create(powers[16]).AsUInt32();
        Vector256<uint> f1 = TimesFive(k1), f2 = TimesFive(k2), f3 = TimesFive(k3), f4 = TimesFive(k4);
        int steps = data.Length / Step;
        ref byte source = ref MemoryMarshal.GetReference(data);
        for (int step = 1; step <= steps; step++)
        {
            Vector256<ulong> x = Vector256.LoadUnsafe(ref source).AsUInt64(), y = Vector256.LoadUnsafe(ref source, 32).AsUInt64();
            source = ref Unsafe.Add(ref source, Step);
            Vector256<ulong> low = Avx2.UnpackLow(x, y), high = Avx2.UnpackHigh(x, y);
            Vector256<uint> m0 = (a0 + (low & mask)).AsUInt32();
            Vector256<uint> m1 = (a1 + (low >>> 26 & mask)).AsUInt32();
            Vector256<uint> m2 = (a2 + ((low >>> 52 | high << 12) & mask)).AsUInt32();
            Vector256<uint> m3 = (a3 + (high >>> 14 & mask)).AsUInt32();
            Vector256<uint> m4 = (a4 + (high >>> 40 | top)).AsUInt32();
            if (step == steps)
            {
                k0 = Vector256.Create<ulong>(powers).AsUInt32();
                k1 = Vector256.Create<ulong>(powers[4..]).AsUInt32();
                k2 = Vector256.Create<ulong>(powers[8..]).AsUInt32();
                k3 = Vector256.Create<ulong>(powers[12..]).AsUInt32();
                k4 = Vector256.Create<ulong>(powers[16..]).AsUInt32();
                f1 = TimesFive(k1);
                f2 = TimesFive(k2);
                f3 = TimesFive(k3);
                f4 = TimesFive(k4);
            }

            // Limbs below 2^28 and factors below 2^30: five products stay below 2^61.
            a0 = Avx2.Multiply(m0, k0) + Avx2.Multiply(m1, f4) + Avx2.Multiply(m2, f3) + Avx2.Multiply(m3, f2) + Avx2.Multiply(m4, f1);
            a1 = Avx2.Multiply(m0, k1) + Avx2.Multiply(m1, k0) + Avx2.Multiply(m2, f4) + Avx2.Multiply(m3, f3) + Avx2.Multiply(m4, f2);
            a2 = Avx2.Multiply(m0, k2) + Avx2.Multiply(m1, k1) + Avx2.Multiply(m2, k0) + Avx2.Multiply(m3, f4) + Avx2.Multiply(m4, f3);
            a3 = Avx2.Multiply(m0, k3) + Avx2.Multiply(m1, k2) + Avx2.Multiply(m2, k1) + Avx2.Multiply(m3, k0) + Avx2.Multiply(m4, f4);
            a4 = Avx2.Multiply(m0, k4) + Avx2.Multiply(m1, k3) + Avx2.Multiply(m2, k2) + Avx2.Multiply(m3, k1) + Avx2.Multiply(m4, k0);

            // Two carry chains side by side: 0 1 2 3 and 3 4 0 1.
            a1 += a0 >>> 26;
            a4 += a3 >>> 26;
            a0 &= mask;
            a3 &= mask;
            Vector256<ulong> carry = a4 >>> 26;
            a2 += a1 >>> 26;
            a0 += carry + (carry << 2);
            a1 &= mask;
            a4 &= mask;
            a3 += a2 >>> 26;
            a1 += a0 >>> 26;
            a2 &= mask;
            a0 &= mask;
            a4 += a3 >>> 26;
            a3 &= mask;
        }

        // Each sum of four limbs stays below 2^29. Bits from 130 on are multiplied by 5 and added at the bottom.
        UInt128 t = (UInt128)Vector256.Sum(a0) + (Vector256.Sum(a1) << 26) + ((UInt128)Vector256.Sum(a2) << 52);
        h0 = (ulong)t;
        t = (t >> 64) + (Vector256.Sum(a3) << 14) + ((UInt128)Vector256.Sum(a4) << 40);
        h1 = (ulong)t;
        ulong over = (ulong)(t >> 64);
        t = (UInt128)h0 + (over >> 2) * 5;
        h0 = (ulong)t;
        t = (UInt128)h1 + (ulong)(t >> 64);
        h1 = (ulong)t;
        h2 = (over & 3) + (ulong)(t >> 64);
        powers.Clear();
        return steps * Step;
    }

    private static Vector256<uint> TimesFive(Vector256<uint> value) => value + (value << 2);

    // Stores one power in one lane of the five vectors of limbs.
    private static void StorePower(Span<ulong> lane, ulong p0, ulong p1, ulong p2)
    {
        lane[0] = p0 & LimbMask;
        lane[4] = p0 >> 26 & LimbMask;
        lane[8] = (p0 >> 52 | p1 << 12) & LimbMask;
        lane[12] = p1 >> 14 & LimbMask;
        lane[16] = p1 >> 40 | p2 << 24;
    }
}
