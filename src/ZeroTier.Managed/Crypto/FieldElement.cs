using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// A number modulo p = 2^255 - 19 in five limbs of 51 bits. Every operation is constant time.
/// Multiplication accepts limbs below 2^54; every result but that of <see cref="Add"/> has limbs below 2^51 + 2^9.
/// </summary>
/// <remarks>
/// The operations that a key agreement or a signature repeats thousands of times are fully optimized by their first compilation, as in
/// <see cref="Salsa20"/>.
/// </remarks>
internal struct FieldElement
{
    private const ulong LimbMask = (1UL << 51) - 1;

    // The limbs of 4p, added before a subtraction so that no limb becomes negative.
    private const ulong FourP0 = 4 * ((1UL << 51) - 19);
    private const ulong FourP = 4 * LimbMask;

    private ulong _0;
    private ulong _1;
    private ulong _2;
    private ulong _3;
    private ulong _4;

    /// <summary>A small number.</summary>
    public FieldElement(uint value) => _0 = value;

    public static FieldElement One => new(1);

    /// <summary>Reads 32 little-endian bytes. The top bit is ignored; values of p and above are accepted modulo p (RFC 7748, 5).</summary>
    public static FieldElement Read(ReadOnlySpan<byte> source)
    {
        ulong a = BinaryPrimitives.ReadUInt64LittleEndian(source);
        ulong b = BinaryPrimitives.ReadUInt64LittleEndian(source[8..]);
        ulong c = BinaryPrimitives.ReadUInt64LittleEndian(source[16..]);
        ulong d = BinaryPrimitives.ReadUInt64LittleEndian(source[24..32]);
        FieldElement r;
        r._0 = a & LimbMask;
        r._1 = (a >> 51 | b << 13) & LimbMask;
        r._2 = (b >> 38 | c << 26) & LimbMask;
        r._3 = (c >> 25 | d << 39) & LimbMask;
        r._4 = (d >> 12) & LimbMask;
        return r;
    }

    /// <summary>Writes the canonical representation, which is below p.</summary>
    public readonly void Write(Span<byte> destination)
    {
        FieldElement t = this;
        t.Carry();
        t.Carry();

        // t < 2^255 + small: one conditional subtraction of p is left. q is 1 exactly when t >= p.
        ulong q = (t._0 + 19) >> 51;
        q = (t._1 + q) >> 51;
        q = (t._2 + q) >> 51;
        q = (t._3 + q) >> 51;
        q = (t._4 + q) >> 51;
        t._0 += 19 * q;
        t._1 += t._0 >> 51;
        t._2 += t._1 >> 51;
        t._3 += t._2 >> 51;
        t._4 += t._3 >> 51;
        ulong l0 = t._0 & LimbMask, l1 = t._1 & LimbMask, l2 = t._2 & LimbMask, l3 = t._3 & LimbMask, l4 = t._4 & LimbMask;
        BinaryPrimitives.WriteUInt64LittleEndian(destination, l0 | l1 << 51);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], l1 >> 13 | l2 << 38);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], l2 >> 26 | l3 << 25);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], l3 >> 39 | l4 << 12);
    }

    /// <summary>The sum, with limbs not reduced: it may be used in a multiplication, or in one more addition or subtraction.</summary>
    public static FieldElement Add(in FieldElement a, in FieldElement b)
    {
        FieldElement r;
        r._0 = a._0 + b._0;
        r._1 = a._1 + b._1;
        r._2 = a._2 + b._2;
        r._3 = a._3 + b._3;
        r._4 = a._4 + b._4;
        return r;
    }

    /// <summary>The difference.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static FieldElement Subtract(in FieldElement a, in FieldElement b)
    {
        FieldElement r;
        r._0 = a._0 + FourP0 - b._0;
        r._1 = a._1 + FourP - b._1;
        r._2 = a._2 + FourP - b._2;
        r._3 = a._3 + FourP - b._3;
        r._4 = a._4 + FourP - b._4;
        r.Carry();
        return r;
    }

    public static FieldElement Negate(in FieldElement a) => Subtract(default, a);

    /// <summary>The product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static FieldElement Multiply(in FieldElement a, in FieldElement b)
    {
        ulong a0 = a._0, a1 = a._1, a2 = a._2, a3 = a._3, a4 = a._4;
        ulong b0 = b._0, b1 = b._1, b2 = b._2, b3 = b._3, b4 = b._4;
        ulong c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
        ulong r0High = Math.BigMul(a0, b0, out ulong r0);
        AddProduct(ref r0, ref r0High, a1, c4);
        AddProduct(ref r0, ref r0High, a2, c3);
        AddProduct(ref r0, ref r0High, a3, c2);
        AddProduct(ref r0, ref r0High, a4, c1);
        ulong r1High = Math.BigMul(a0, b1, out ulong r1);
        AddProduct(ref r1, ref r1High, a1, b0);
        AddProduct(ref r1, ref r1High, a2, c4);
        AddProduct(ref r1, ref r1High, a3, c3);
        AddProduct(ref r1, ref r1High, a4, c2);
        ulong r2High = Math.BigMul(a0, b2, out ulong r2);
        AddProduct(ref r2, ref r2High, a1, b1);
        AddProduct(ref r2, ref r2High, a2, b0);
        AddProduct(ref r2, ref r2High, a3, c4);
        AddProduct(ref r2, ref r2High, a4, c3);
        ulong r3High = Math.BigMul(a0, b3, out ulong r3);
        AddProduct(ref r3, ref r3High, a1, b2);
        AddProduct(ref r3, ref r3High, a2, b1);
        AddProduct(ref r3, ref r3High, a3, b0);
        AddProduct(ref r3, ref r3High, a4, c4);
        ulong r4High = Math.BigMul(a0, b4, out ulong r4);
        AddProduct(ref r4, ref r4High, a1, b3);
        AddProduct(ref r4, ref r4High, a2, b2);
        AddProduct(ref r4, ref r4High, a3, b1);
        AddProduct(ref r4, ref r4High, a4, b0);
        return Reduce(r0, r0High, r1, r1High, r2, r2High, r3, r3High, r4, r4High);
    }

    /// <summary>The square.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static FieldElement Square(in FieldElement a)
    {
        ulong a0 = a._0, a1 = a._1, a2 = a._2, a3 = a._3, a4 = a._4;
        ulong d0 = 2 * a0, d1 = 2 * a1, c3 = 19 * a3, c4 = 19 * a4;
        ulong r0High = Math.BigMul(a0, a0, out ulong r0);
        AddProduct(ref r0, ref r0High, d1, c4);
        AddProduct(ref r0, ref r0High, 2 * a2, c3);
        ulong r1High = Math.BigMul(d0, a1, out ulong r1);
        AddProduct(ref r1, ref r1High, 2 * a2, c4);
        AddProduct(ref r1, ref r1High, a3, c3);
        ulong r2High = Math.BigMul(d0, a2, out ulong r2);
        AddProduct(ref r2, ref r2High, a1, a1);
        AddProduct(ref r2, ref r2High, 2 * a3, c4);
        ulong r3High = Math.BigMul(d0, a3, out ulong r3);
        AddProduct(ref r3, ref r3High, d1, a2);
        AddProduct(ref r3, ref r3High, a4, c4);
        ulong r4High = Math.BigMul(d0, a4, out ulong r4);
        AddProduct(ref r4, ref r4High, d1, a3);
        AddProduct(ref r4, ref r4High, a2, a2);
        return Reduce(r0, r0High, r1, r1High, r2, r2High, r3, r3High, r4, r4High);
    }

    /// <summary>Squares <paramref name="count"/> times.</summary>
    public static FieldElement Square(in FieldElement a, int count)
    {
        FieldElement r = a;
        for (int i = 0; i < count; i++)
        {
            r = Square(r);
        }

        return r;
    }

    /// <summary>The product with a small number.</summary>
    public static FieldElement Multiply(in FieldElement a, uint b)
    {
        ulong r0High = Math.BigMul(a._0, b, out ulong r0);
        ulong r1High = Math.BigMul(a._1, b, out ulong r1);
        ulong r2High = Math.BigMul(a._2, b, out ulong r2);
        ulong r3High = Math.BigMul(a._3, b, out ulong r3);
        ulong r4High = Math.BigMul(a._4, b, out ulong r4);
        return Reduce(r0, r0High, r1, r1High, r2, r2High, r3, r3High, r4, r4High);
    }

    /// <summary>a^(p-2), which is 1/a, and 0 for 0.</summary>
    public static FieldElement Invert(in FieldElement a)
    {
        // p - 2 = 2^255 - 21 = (2^250 - 1) * 2^5 + 11.
        FieldElement x250 = PowerOf250Ones(a, out FieldElement a11);
        return Multiply(Square(x250, 5), a11);
    }

    /// <summary>a^((p-5)/8), the exponent of a square root (RFC 8032, 5.1.3).</summary>
    public static FieldElement PowerForRoot(in FieldElement a)
    {
        // (p - 5) / 8 = 2^252 - 3 = (2^250 - 1) * 2^2 + 1.
        FieldElement x250 = PowerOf250Ones(a, out _);
        return Multiply(Square(x250, 2), a);
    }

    /// <summary>Exchanges both when <paramref name="bit"/> is 1, without a branch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ConditionalSwap(ref FieldElement a, ref FieldElement b, uint bit)
    {
        ulong mask = 0UL - bit;
        ulong t0 = mask & (a._0 ^ b._0), t1 = mask & (a._1 ^ b._1), t2 = mask & (a._2 ^ b._2), t3 = mask & (a._3 ^ b._3),
            t4 = mask & (a._4 ^ b._4);
        a._0 ^= t0;
        a._1 ^= t1;
        a._2 ^= t2;
        a._3 ^= t3;
        a._4 ^= t4;
        b._0 ^= t0;
        b._1 ^= t1;
        b._2 ^= t2;
        b._3 ^= t3;
        b._4 ^= t4;
    }

    /// <summary>Assigns <paramref name="other"/> when <paramref name="bit"/> is 1, without a branch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ConditionalAssign(in FieldElement other, uint bit)
    {
        ulong mask = 0UL - bit;
        _0 ^= mask & (_0 ^ other._0);
        _1 ^= mask & (_1 ^ other._1);
        _2 ^= mask & (_2 ^ other._2);
        _3 ^= mask & (_3 ^ other._3);
        _4 ^= mask & (_4 ^ other._4);
    }

    /// <summary>True for zero modulo p.</summary>
    public readonly bool IsZero()
    {
        Span<byte> bytes = stackalloc byte[32];
        Write(bytes);
        return CryptographicOperations.FixedTimeEquals(bytes, stackalloc byte[32]);
    }

    /// <summary>The lowest bit of the canonical representation: the "sign" of RFC 8032.</summary>
    public readonly uint LowBit()
    {
        Span<byte> bytes = stackalloc byte[32];
        Write(bytes);
        return bytes[0] & 1u;
    }

    // a^(2^250 - 1), and a^11, which is computed on the way.
    private static FieldElement PowerOf250Ones(in FieldElement a, out FieldElement a11)
    {
        FieldElement a2 = Square(a);
        FieldElement a9 = Multiply(Square(a2, 2), a);
        a11 = Multiply(a9, a2);
        FieldElement x5 = Multiply(Square(a11), a9);
        FieldElement x10 = Multiply(Square(x5, 5), x5);
        FieldElement x20 = Multiply(Square(x10, 10), x10);
        FieldElement x40 = Multiply(Square(x20, 20), x20);
        FieldElement x50 = Multiply(Square(x40, 10), x10);
        FieldElement x100 = Multiply(Square(x50, 50), x50);
        FieldElement x200 = Multiply(Square(x100, 100), x100);
        return Multiply(Square(x200, 50), x50);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProduct(ref ulong low, ref ulong high, ulong a, ulong b)
    {
        ulong h = Math.BigMul(a, b, out ulong l);
        low += l;
        high += h + (low < l ? 1UL : 0UL);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FieldElement Reduce(
        ulong r0, ulong r0High, ulong r1, ulong r1High, ulong r2, ulong r2High, ulong r3, ulong r3High, ulong r4, ulong r4High)
    {
        CarryInto(ref r1, ref r1High, r0, r0High);
        CarryInto(ref r2, ref r2High, r1, r1High);
        CarryInto(ref r3, ref r3High, r2, r2High);
        CarryInto(ref r4, ref r4High, r3, r3High);

        // The last carry can be as large as 2^63.4, so its product with 19 needs more than 64 bits.
        UInt128 wrapped = Math.BigMul(r4High << 13 | r4 >> 51, 19UL) + (r0 & LimbMask);
        ulong l1 = (r1 & LimbMask) + (ulong)(wrapped >> 51);
        FieldElement r;
        r._0 = (ulong)wrapped & LimbMask;
        r._1 = l1 & LimbMask;
        r._2 = (r2 & LimbMask) + (l1 >> 51);
        r._3 = r3 & LimbMask;
        r._4 = r4 & LimbMask;
        return r;
    }

    // Adds everything above the 51 bits of one limb to the next.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CarryInto(ref ulong low, ref ulong high, ulong fromLow, ulong fromHigh)
    {
        ulong carry = fromHigh << 13 | fromLow >> 51;
        low += carry;
        high += low < carry ? 1UL : 0UL;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Carry()
    {
        ulong c0 = _0 >> 51, c1 = _1 >> 51, c2 = _2 >> 51, c3 = _3 >> 51, c4 = _4 >> 51;
        _0 = (_0 & LimbMask) + 19 * c4;
        _1 = (_1 & LimbMask) + c0;
        _2 = (_2 & LimbMask) + c1;
        _3 = (_3 & LimbMask) + c2;
        _4 = (_4 & LimbMask) + c3;
    }
}
