using System.Security.Cryptography;
using System.Text.Json;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed.Tests.Crypto;

public class AesGmacSivTests
{
    public static TheoryData<bool> Portable() => AesGmacSivHardware.IsSupported ? [true, false] : [true];

    [Fact]
    public void Derive_key_vectors_of_the_reference_give_the_same_keys()
    {
        foreach (JsonElement v in CryptoVectors.Section("aes_gmac_siv_keys"))
        {
            byte[] output = new byte[48];
            AesGmacSiv.DeriveKey(v.Hex("session_key"), (byte)'0', output);
            Assert.Equal(v.Text("kbkdf_output_k0"), Convert.ToHexStringLower(output));
            Assert.Equal(v.Hex("k0"), output[..32]);
            AesGmacSiv.DeriveKey(v.Hex("session_key"), (byte)'1', output);
            Assert.Equal(v.Text("kbkdf_output_k1"), Convert.ToHexStringLower(output));
            Assert.Equal(v.Hex("k1"), output[..32]);
        }
    }

    [Theory]
    [MemberData(nameof(Portable))]
    public void Primitives_vectors_of_the_reference_agree(bool portable)
    {
        foreach (JsonElement v in CryptoVectors.Section("aes_primitives"))
        {
            using AesGmacSiv aes = AesGmacSiv.CreateFromKeys(v.Hex("key"), v.Hex("key"), portable);
            byte[] block = v.Hex("block");
            aes.EncryptBlock(block);
            Assert.Equal(v.Hex("block_encrypted"), block);
            aes.DecryptBlock(block);
            Assert.Equal(v.Hex("block"), block);

            byte[] message = v.Hex("message"), tag = new byte[16];
            aes.Gmac(v.Hex("gmac_iv"), message, tag);
            Assert.Equal(v.Hex("gmac_tag"), tag);
            aes.Ctr(v.Hex("ctr_initial_block"), message);
            Assert.Equal(v.Hex("ctr_output"), message);
        }
    }

    [Theory]
    [MemberData(nameof(Portable))]
    public void Gmac_every_length_agrees_with_the_framework(bool portable)
    {
        var random = new Random(3);
        byte[] key = new byte[32], data = new byte[700], tag = new byte[16], expected = new byte[16], nonce = new byte[12];
        random.NextBytes(key);
        random.NextBytes(data);
        using AesGmacSiv aes = AesGmacSiv.CreateFromKeys(key, key, portable);
        using var gcm = new AesGcm(key, 16);
        for (int length = 0; length <= data.Length; length++)
        {
            random.NextBytes(nonce);
            gcm.Encrypt(nonce, [], [], expected, data.AsSpan(0, length));
            aes.Gmac(nonce, data.AsSpan(0, length), tag);
            Assert.Equal(expected, tag);
        }
    }

    [Theory]
    [MemberData(nameof(Portable))]
    public void Ctr_every_length_agrees_with_block_encryption_of_counters(bool portable)
    {
        var random = new Random(4);
        byte[] key = new byte[32], start = new byte[16], data = new byte[700];
        random.NextBytes(key);
        random.NextBytes(data);
        using AesGmacSiv aes = AesGmacSiv.CreateFromKeys(key, key, portable);
        using var ecb = System.Security.Cryptography.Aes.Create();
        ecb.Key = key;
        for (int length = 0; length <= data.Length; length++)
        {
            random.NextBytes(start);
            start[12] &= 0x7f;
            byte[] expected = data[..length], actual = data[..length];
            byte[] counter = [.. start];
            for (int i = 0; i < length; i++)
            {
                if (i % 16 == 0 && i > 0)
                {
                    for (int b = 15; b >= 12 && ++counter[b] == 0; b--)
                    {
                    }
                }

                expected[i] ^= ecb.EncryptEcb(counter, PaddingMode.None)[i % 16];
            }

            aes.Ctr(start, actual);
            Assert.Equal(expected, actual);
        }
    }
}
