using System.Text.Json;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed.Tests.Crypto;

public class X25519Tests
{
    [Fact]
    public void Scalar_multiply_key_agreements_of_the_reference_give_the_same_secret_both_ways()
    {
        foreach (JsonElement v in CryptoVectors.Section("key_agreements"))
        {
            byte[] secret = new byte[32];
            Assert.True(X25519.ScalarMultiply(v.Hex("private_key_a").AsSpan(0, 32), v.Hex("public_key_b").AsSpan(0, 32), secret));
            Assert.Equal(v.Text("raw_x25519_secret"), Convert.ToHexStringLower(secret));
            Assert.True(X25519.ScalarMultiply(v.Hex("private_key_b").AsSpan(0, 32), v.Hex("public_key_a").AsSpan(0, 32), secret));
            Assert.Equal(v.Text("raw_x25519_secret"), Convert.ToHexStringLower(secret));
            X25519.PublicKey(v.Hex("private_key_a").AsSpan(0, 32), secret);
            Assert.Equal(v.Hex("public_key_a")[..32], secret);
        }
    }

    [Fact]
    public void Scalar_multiply_edge_cases_of_the_reference_refuses_the_all_zero_secret_only()
    {
        foreach (JsonElement v in CryptoVectors.Section("key_agreement_edge_cases"))
        {
            byte[] secret = new byte[32];
            bool accepted = X25519.ScalarMultiply(v.Hex("private_key_a").AsSpan(0, 32), v.Hex("public_key_b").AsSpan(0, 32), secret);
            Assert.Equal(!v.Flag("standard_library_refuses"), accepted);
            Assert.Equal(v.Text("raw_x25519_secret"), Convert.ToHexStringLower(secret));
        }
    }

    // RFC 7748, 5.2: the function applied to its own results, 1 and 1000 times.
    [Theory]
    [InlineData(1, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")]
    [InlineData(1000, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")]
    public void Scalar_multiply_iterated_as_in_rfc7748_gives_its_result(int count, string expected)
    {
        byte[] k = new byte[32], u = new byte[32];
        k[0] = u[0] = 9;
        for (int i = 0; i < count; i++)
        {
            byte[] next = new byte[32];
            X25519.ScalarMultiply(k, u, next);
            u = k;
            k = next;
        }

        Assert.Equal(expected, Convert.ToHexStringLower(k));
    }

    // The points of small order of the curve and of its twist, canonical and not.
    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")]
    [InlineData("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void Scalar_multiply_point_of_small_order_is_refused(string publicKey)
    {
        byte[] secret = new byte[32], privateKey = new byte[32];
        new Random(1).NextBytes(privateKey);
        Assert.False(X25519.ScalarMultiply(privateKey, Convert.FromHexString(publicKey), secret));
    }
}
