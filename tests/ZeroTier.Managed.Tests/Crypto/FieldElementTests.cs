using System.Numerics;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed.Tests.Crypto;

public class FieldElementTests
{
    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493");

    [Fact]
    public void Operations_random_and_extreme_values_agree_with_big_integer()
    {
        byte[][] values = Values();
        foreach (byte[] x in values)
        {
            foreach (byte[] y in values)
            {
                BigInteger bx = Number(x), by = Number(y);
                FieldElement a = FieldElement.Read(x), b = FieldElement.Read(y);
                Check(bx + by, FieldElement.Add(a, b));
                Check(bx - by, FieldElement.Subtract(a, b));
                Check(bx * by, FieldElement.Multiply(a, b));
                Check(bx * bx, FieldElement.Square(a));
                Check((bx + by) * (bx + by), FieldElement.Square(FieldElement.Add(a, b)));
                Check(
                    (bx + by) * (by + by + bx), FieldElement.Multiply(FieldElement.Add(a, b), FieldElement.Add(FieldElement.Add(b, b), a)));
                Check((bx - by) * 121665, FieldElement.Multiply(FieldElement.Subtract(a, b), 121665));
            }

            Check(BigInteger.ModPow(Number(x), P - 2, P), FieldElement.Invert(FieldElement.Read(x)));
            Check(BigInteger.ModPow(Number(x), (P - 5) / 8, P), FieldElement.PowerForRoot(FieldElement.Read(x)));
            Assert.Equal(Number(x) % P == 0, FieldElement.Read(x).IsZero());
        }
    }

    [Fact]
    public void Scalars_random_and_extreme_values_agree_with_big_integer()
    {
        var random = new Random(7);
        byte[] result = new byte[32];
        for (int i = 0; i < 50; i++)
        {
            byte[] wide = new byte[64], a = new byte[32], b = new byte[32], c = new byte[32];
            random.NextBytes(wide);
            random.NextBytes(a);
            random.NextBytes(b);
            random.NextBytes(c);
            if (i < 4)
            {
                Array.Fill(wide, (byte)(i * 85));
                Array.Fill(a, (byte)255);
                Array.Fill(b, (byte)255);
                Array.Fill(c, (byte)255);
            }

            a[31] &= 0x7f;
            b[31] &= 0x7f;
            c[31] &= 0x7f;
            EdwardsScalar.Reduce(wide, result);
            Assert.Equal(new BigInteger(wide, isUnsigned: true) % L, new BigInteger(result, isUnsigned: true));
            EdwardsScalar.MultiplyAdd(a, b, c, result);
            Assert.Equal((Number(a) * Number(b) + Number(c)) % L, new BigInteger(result, isUnsigned: true));
        }
    }

    private static void Check(BigInteger expected, FieldElement actual)
    {
        byte[] bytes = new byte[32];
        actual.Write(bytes);
        Assert.Equal((expected % P + P) % P, new BigInteger(bytes, isUnsigned: true));
    }

    private static BigInteger Number(byte[] bytes) =>
        new(bytes.AsSpan(0, 31).ToArray().Append((byte)(bytes[31] & 0x7f)).ToArray(), isUnsigned: true);

    private static byte[][] Values()
    {
        var random = new Random(5);
        byte[][] values = new byte[16][];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = new byte[32];
            random.NextBytes(values[i]);
        }

        Array.Fill(values[0], (byte)0);
        Array.Fill(values[1], (byte)255);
        for (int i = 2; i <= 5; i++)
        {
            // p - 1, p, p + 1, p + 18.
            Array.Fill(values[i], (byte)255);
            values[i][31] = 0x7f;
            values[i][0] = (byte)(i == 5 ? 0xff : 0xea + i);
        }

        return values;
    }
}
