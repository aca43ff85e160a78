using System.Runtime.CompilerServices;

namespace ZeroTier.Managed.Crypto;

/// <summary>A point of edwards25519 in extended coordinates (X, Y, Z, T), x = X/Z, y = Y/Z, xy = T/Z (RFC 8032, 5.1.4).</summary>
internal struct EdwardsPoint
{
    private static readonly FieldElement D = FieldElement.Negate(
        FieldElement.Multiply(new FieldElement(121665), FieldElement.Invert(new FieldElement(121666))));
    private static readonly FieldElement TwoD = FieldElement.Add(D, D);

    // 2^((p-1)/4) = 2 * (2^((p-5)/8))^2, since (p-1)/4 = 2 (p-5)/8 + 1.
    private static readonly FieldElement RootOfMinusOne =
        FieldElement.Multiply(new FieldElement(2), FieldElement.Square(FieldElement.PowerForRoot(new FieldElement(2))));

    private static readonly EdwardsPoint[] BaseTable = MakeBaseTable();

    private FieldElement _x;
    private FieldElement _y;
    private FieldElement _z;
    private FieldElement _t;

    public static EdwardsPoint Identity => new() { _y = FieldElement.One, _z = FieldElement.One };

    /// <summary>Multiples 0 to 15 of the base point.</summary>
    public static ReadOnlySpan<EdwardsPoint> BaseMultiples => BaseTable;

    /// <summary>Decodes 32 bytes (RFC 8032, 5.1.3). Not constant time: for public values only.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out EdwardsPoint point)
    {
        point = default;
        uint sign = (uint)source[31] >> 7;
        FieldElement y = FieldElement.Read(source);

        // A value of p or above is not a valid encoding (step 1).
        Span<byte> canonical = stackalloc byte[32];
        y.Write(canonical);
        canonical[31] |= (byte)(sign << 7);
        if (!canonical.SequenceEqual(source[..32]))
        {
            return false;
        }

        FieldElement yy = FieldElement.Square(y);
        FieldElement u = FieldElement.Subtract(yy, FieldElement.One);
        FieldElement v = FieldElement.Add(FieldElement.Multiply(D, yy), FieldElement.One);

        // x = u v^3 (u v^7)^((p-5)/8), step 2.
        FieldElement v3 = FieldElement.Multiply(FieldElement.Square(v), v);
        FieldElement v7 = FieldElement.Multiply(FieldElement.Square(v3), v);
        FieldElement x = FieldElement.Multiply(FieldElement.Multiply(u, v3), FieldElement.PowerForRoot(FieldElement.Multiply(u, v7)));
        FieldElement vxx = FieldElement.Multiply(v, FieldElement.Square(x));
        if (!FieldElement.Subtract(vxx, u).IsZero())
        {
            if (!FieldElement.Add(vxx, u).IsZero())
            {
                return false;
            }

            x = FieldElement.Multiply(x, RootOfMinusOne);
        }

        if (x.IsZero() && sign == 1)
        {
            return false;
        }

        if (x.LowBit() != sign)
        {
            x = FieldElement.Negate(x);
        }

        point = new EdwardsPoint { _x = x, _y = y, _z = FieldElement.One, _t = FieldElement.Multiply(x, y) };
        return true;
    }

    /// <summary>Encodes the point (RFC 8032, 5.1.2).</summary>
    public readonly void Write(Span<byte> destination)
    {
        FieldElement inverse = FieldElement.Invert(_z);
        FieldElement x = FieldElement.Multiply(_x, inverse);
        FieldElement.Multiply(_y, inverse).Write(destination);
        destination[31] |= (byte)(x.LowBit() << 7);
    }

    /// <summary>The sum, by the complete formula, which is also valid for equal points and the identity.</summary>
    public static EdwardsPoint Add(in EdwardsPoint p, in EdwardsPoint q)
    {
        FieldElement a = FieldElement.Multiply(FieldElement.Subtract(p._y, p._x), FieldElement.Subtract(q._y, q._x));
        FieldElement b = FieldElement.Multiply(FieldElement.Add(p._y, p._x), FieldElement.Add(q._y, q._x));
        FieldElement c = FieldElement.Multiply(FieldElement.Multiply(p._t, TwoD), q._t);
        FieldElement d = FieldElement.Multiply(FieldElement.Add(p._z, p._z), q._z);
        return Compose(FieldElement.Subtract(b, a), FieldElement.Subtract(d, c), FieldElement.Add(d, c), FieldElement.Add(b, a));
    }

    /// <summary>Twice the point.</summary>
    public static EdwardsPoint Double(in EdwardsPoint p)
    {
        FieldElement a = FieldElement.Square(p._x);
        FieldElement b = FieldElement.Square(p._y);
        FieldElement zz = FieldElement.Square(p._z);
        FieldElement h = FieldElement.Add(a, b);
        FieldElement e = FieldElement.Subtract(h, FieldElement.Square(FieldElement.Add(p._x, p._y)));
        FieldElement g = FieldElement.Subtract(a, b);
        FieldElement f = FieldElement.Add(FieldElement.Add(zz, zz), g);
        return Compose(e, f, g, h);
    }

    public static EdwardsPoint Negate(in EdwardsPoint p) => new()
    {
        _x = FieldElement.Negate(p._x),
        _y = p._y,
        _z = p._z,
        _t = FieldElement.Negate(p._t),
    };

    /// <summary>
    /// Whether the point is one of the eight whose order divides the cofactor: 8 P is the identity, x = 0 and y = 1. Not constant time: for
    /// public values only.
    /// </summary>
    public readonly bool IsOfSmallOrder()
    {
        EdwardsPoint multiple = Double(Double(Double(this)));
        return multiple._x.IsZero() && FieldElement.Subtract(multiple._y, multiple._z).IsZero();
    }

    /// <summary>Multiples 0 to 15 of a point.</summary>
    public static void Multiples(in EdwardsPoint point, Span<EdwardsPoint> table)
    {
        table[0] = Identity;
        for (int i = 1; i < 16; i++)
        {
            table[i] = Add(table[i - 1], point);
        }
    }

    /// <summary>Reads one of 16 entries by reading all of them, so that the index cannot be seen in the processor's cache.</summary>
    public static EdwardsPoint Select(ReadOnlySpan<EdwardsPoint> table, uint index)
    {
        EdwardsPoint r = default;
        for (uint i = 0; i < 16; i++)
        {
            uint difference = i ^ index;
            r.ConditionalAssign(table[(int)i], (difference - 1) >> 31);
        }

        return r;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ConditionalAssign(in EdwardsPoint other, uint bit)
    {
        _x.ConditionalAssign(other._x, bit);
        _y.ConditionalAssign(other._y, bit);
        _z.ConditionalAssign(other._z, bit);
        _t.ConditionalAssign(other._t, bit);
    }

    private static EdwardsPoint Compose(in FieldElement e, in FieldElement f, in FieldElement g, in FieldElement h) => new()
    {
        _x = FieldElement.Multiply(e, f),
        _y = FieldElement.Multiply(g, h),
        _z = FieldElement.Multiply(f, g),
        _t = FieldElement.Multiply(e, h),
    };

    private static EdwardsPoint[] MakeBaseTable()
    {
        // B: y = 4/5, x even (RFC 8032, 5.1).
        Span<byte> encoded = stackalloc byte[32];
        FieldElement.Multiply(new FieldElement(4), FieldElement.Invert(new FieldElement(5))).Write(encoded);
        TryRead(encoded, out EdwardsPoint b);
        var table = new EdwardsPoint[16];
        Multiples(b, table);
        return table;
    }
}
