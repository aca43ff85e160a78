using System.Security.Cryptography;
using System.Text.Json;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed.Tests.Crypto;

public class Salsa20Tests
{
    public static TheoryData<string> Paths() =>
        [.. Enum.GetValues<Salsa20Path>().Where(p => p <= Salsa20.BestPath).Select(p => p.ToString())];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Xor_vectors_of_the_reference_give_the_same_keystream(string pathName)
    {
        var path = Enum.Parse<Salsa20Path>(pathName);
        foreach (JsonElement v in CryptoVectors.Section("salsa20"))
        {
            byte[] data = new byte[v.Number("length")];
            Salsa20.Xor(path, v.Hex("key"), v.Hex("iv"), 0, v.Number("rounds"), data);
            if (v.TryGetProperty("keystream", out _))
            {
                Assert.Equal(v.Text("keystream"), Convert.ToHexStringLower(data));
            }
            else
            {
                Assert.Equal(v.Text("keystream_first64"), Convert.ToHexStringLower(data[..64]));
                Assert.Equal(v.Text("keystream_last64"), Convert.ToHexStringLower(data[^64..]));
                Assert.Equal(v.Text("keystream_sha256"), Convert.ToHexStringLower(SHA256.HashData(data)));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Xor_consecutive_calls_each_begin_at_a_fresh_block(string pathName)
    {
        var path = Enum.Parse<Salsa20Path>(pathName);
        foreach (JsonElement v in CryptoVectors.Section("salsa20_consecutive_calls"))
        {
            byte[] joined = new byte[142];
            ulong block = 0;
            int offset = 0;
            foreach (int size in (int[])[32, 100, 10])
            {
                Salsa20.Xor(path, v.Hex("key"), v.Hex("iv"), block, v.Number("rounds"), joined.AsSpan(offset, size));
                block += (ulong)(size + 63) / 64;
                offset += size;
            }

            Assert.Equal(v.Text("outputs_joined"), Convert.ToHexStringLower(joined));
            byte[] whole = new byte[400];
            Salsa20.Xor(path, v.Hex("key"), v.Hex("iv"), 0, v.Number("rounds"), whole);
            Assert.Equal(v.Text("keystream_first_400"), Convert.ToHexStringLower(whole));
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Xor_every_length_and_start_block_agrees_with_the_scalar_path(string pathName)
    {
        var path = Enum.Parse<Salsa20Path>(pathName);
        byte[] key = new byte[32], nonce = new byte[8], text = new byte[1500];
        var random = new Random(20);
        random.NextBytes(key);
        random.NextBytes(nonce);
        random.NextBytes(text);
        foreach (ulong start in (ulong[])[0, 1, uint.MaxValue - 2, 0x1_0000_0000 - 9, ulong.MaxValue - 3])
        {
            for (int length = 0; length <= text.Length; length += length < 600 ? 1 : 97)
            {
                byte[] expected = text[..length], actual = text[..length];
                Salsa20.Xor(Salsa20Path.Scalar, key, nonce, start, 12, expected);
                Salsa20.Xor(path, key, nonce, start, 12, actual);
                Assert.Equal(expected, actual);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Xor_after_first_block_every_length_agrees_with_two_calls(string pathName)
    {
        var path = Enum.Parse<Salsa20Path>(pathName);
        byte[] key = new byte[32], nonce = new byte[8], text = new byte[1500];
        var random = new Random(21);
        random.NextBytes(key);
        random.NextBytes(nonce);
        random.NextBytes(text);
        for (int length = 0; length <= text.Length; length += length < 1100 ? 1 : 97)
        {
            byte[] firstExpected = new byte[64], first = new byte[64], expected = text[..length], actual = text[..length];
            Salsa20.Xor(Salsa20Path.Scalar, key, nonce, 0, 12, firstExpected);
            Salsa20.Xor(Salsa20Path.Scalar, key, nonce, 1, 12, expected);
            Salsa20.XorAfterFirstBlock(path, key, nonce, 12, first, actual);
            Assert.Equal(firstExpected, first);
            Assert.Equal(expected, actual);
        }
    }
}
