using System.Text.Json;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed.Tests.Crypto;

public class Ed25519Tests
{
    // RFC 8032, 7.1, tests 1 to 3.
    [Theory]
    [InlineData(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void Sign_vectors_of_rfc8032_agree(string seedHex, string publicHex, string messageHex, string signatureHex)
    {
        byte[] seed = Convert.FromHexString(seedHex), message = Convert.FromHexString(messageHex);
        byte[] publicKey = new byte[32], signature = new byte[64];
        Ed25519.PublicKey(seed, publicKey);
        Assert.Equal(publicHex, Convert.ToHexStringLower(publicKey));
        Ed25519.Sign(seed, publicKey, message, signature);
        Assert.Equal(signatureHex, Convert.ToHexStringLower(signature));
        Assert.True(Ed25519.Verify(publicKey, message, signature));
    }

    [Fact]
    public void Verify_any_bit_changed_fails()
    {
        JsonElement v = CryptoVectors.Section("signatures").First();
        byte[] publicKey = v.Hex("public_key")[32..], signature = v.Hex("signature")[..64], message = v.Hex("signature")[64..];
        Assert.True(Ed25519.Verify(publicKey, message, signature));
        for (int i = 0; i < signature.Length; i++)
        {
            byte[] changed = [.. signature];
            changed[i] ^= (byte)(1 << i % 8);
            Assert.False(Ed25519.Verify(publicKey, message, changed), $"byte {i}");
        }
    }

    [Theory]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")] // y = p
    [InlineData("0100000000000000000000000000000000000000000000000000000000000080")] // x = 0 with sign
    [InlineData("0200000000000000000000000000000000000000000000000000000000000000")] // no point has this y
    public void Verify_public_key_is_no_point_fails(string publicKey) =>
        Assert.False(Ed25519.Verify(Convert.FromHexString(publicKey), [], new byte[64]));

    // The eight points whose order divides 8. With such a key R = S B - k A can be met for every message, or for one in eight, without any
    // private key.
    [Theory]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")] // order 1
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")] // order 2
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")] // order 4
    [InlineData("0000000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")] // order 8
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")]
    public void Verify_public_key_of_small_order_fails(string publicKey) => AssertNothingVerifies(publicKey);

    // The same points in encodings that RFC 8032, 5.1.3 forbids: y from p on, or x = 0 with the sign bit.
    [Theory]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void Verify_public_key_of_small_order_in_a_non_canonical_encoding_fails(string publicKey) => AssertNothingVerifies(publicKey);

    // S = 0 and R = the neutral element: valid whenever k is a multiple of the key's order.
    private static void AssertNothingVerifies(string publicKey)
    {
        byte[] signature = new byte[64];
        signature[0] = 1;
        for (byte i = 0; i < 100; i++)
        {
            Assert.False(Ed25519.Verify(Convert.FromHexString(publicKey), [i], signature), $"message {i}");
        }
    }

    [Theory]
    [InlineData(31, 64)]
    [InlineData(33, 64)]
    [InlineData(32, 63)]
    [InlineData(32, 65)]
    public void Verify_wrong_lengths_fails(int keyLength, int signatureLength) =>
        Assert.False(Ed25519.Verify(new byte[keyLength], [], new byte[signatureLength]));
}
