using System.Numerics;
using System.Text.Json;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed.Tests.Crypto;

public class Poly1305Tests
{
    public static TheoryData<bool> Paths() => Poly1305.IsVectorized ? [false, true] : [false];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Tag_vectors_of_the_reference_agree(bool vectorized)
    {
        foreach (JsonElement v in CryptoVectors.Section("poly1305"))
        {
            byte[] tag = new byte[16];
            Poly1305.Tag(vectorized, v.Hex("key"), v.Hex("message"), tag);
            Assert.Equal(v.Text("tag"), Convert.ToHexStringLower(tag));
            Assert.Equal(v.Hex("tag_first8"), tag[..8]);
        }
    }

    // RFC 8439, 2.5.1 written with big numbers.
    [Theory]
    [MemberData(nameof(Paths))]
    public void Tag_every_length_random_and_extreme_bytes_agrees_with_big_integer(bool vectorized)
    {
        var random = new Random(6);
        BigInteger p = BigInteger.Pow(2, 130) - 5;
        BigInteger clamp = new(Convert.FromHexString("ffffff0ffcffff0ffcffff0ffcffff0f"), isUnsigned: true);
        byte[] key = new byte[32], message = new byte[800];
        for (int length = 0; length < message.Length; length += length < 400 ? 1 : 37)
        {
            random.NextBytes(key);
            random.NextBytes(message);
            if (length % 3 == 0)
            {
                // Carries run furthest through ones.
                Array.Fill(message, (byte)255);
                Array.Fill(key, (byte)255, 0, length % 2 == 0 ? 32 : 16);
            }

            BigInteger r = new BigInteger(key.AsSpan(0, 16), isUnsigned: true) & clamp;
            BigInteger h = 0;
            for (int i = 0; i < length; i += 16)
            {
                byte[] block = [.. message.AsSpan(i, Math.Min(16, length - i)), 1];
                h = (h + new BigInteger(block, isUnsigned: true)) * r % p;
            }

            h += new BigInteger(key.AsSpan(16, 16), isUnsigned: true);
            byte[] expected = new byte[17], tag = new byte[16];
            (h & BigInteger.Pow(2, 128) - 1).TryWriteBytes(expected, out _, isUnsigned: true);
            Poly1305.Tag(vectorized, key, message.AsSpan(0, length), tag);
            Assert.Equal(expected[..16], tag);
        }
    }
}
