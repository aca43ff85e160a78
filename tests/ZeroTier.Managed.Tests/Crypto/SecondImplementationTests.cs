using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Modes;
using Org.BouncyCastle.Crypto.Parameters;
using ZeroTier.Managed.Crypto;
using BcEd25519 = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;
using BcX25519 = Org.BouncyCastle.Math.EC.Rfc7748.X25519;

namespace ZeroTier.Managed.Tests.Crypto;

/// <summary>Our ciphers and curves beside BouncyCastle's, on random inputs and on the edges where such code goes wrong.</summary>
public class SecondImplementationTests
{
    private const int Rounds = 200;

    // 2^255 - 19 and its neighbours, 0, 1, the largest values of 255 and 256 bits: carries and the last reduction.
    private static readonly string[] FieldEdges =
    [
        "ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0200000000000000000000000000000000000000000000000000000000000000",
        "0900000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000040",
    ];

    private readonly Random _random = new(20);

    [Fact]
    public void X25519_agrees_on_random_keys()
    {
        byte[] ours = new byte[32], theirs = new byte[32];
        for (int i = 0; i < Rounds; i++)
        {
            byte[] scalar = Bytes(32), point = Bytes(32);
            X25519.ScalarMultiply(scalar, point, ours);
            BcX25519.ScalarMult(scalar, 0, point, 0, theirs, 0);
            Assert.Equal(theirs, ours);
        }
    }

    [Fact]
    public void X25519_agrees_on_the_edges_of_the_field()
    {
        byte[] ours = new byte[32], theirs = new byte[32];
        foreach (string edge in FieldEdges)
        {
            byte[] scalar = Bytes(32), point = Convert.FromHexString(edge);
            X25519.ScalarMultiply(scalar, point, ours);
            BcX25519.ScalarMult(scalar, 0, point, 0, theirs, 0);
            Assert.Equal(theirs, ours);
            X25519.ScalarMultiply(point, scalar, ours);
            BcX25519.ScalarMult(point, 0, scalar, 0, theirs, 0);
            Assert.Equal(theirs, ours);
        }
    }

    [Fact]
    public void Ed25519_signs_and_verifies_the_same()
    {
        byte[] publicKey = new byte[32], theirKey = new byte[32], signature = new byte[64], theirSignature = new byte[64];
        for (int i = 0; i < Rounds; i++)
        {
            byte[] seed = Bytes(32), message = Bytes(_random.Next(200));
            Ed25519.PublicKey(seed, publicKey);
            BcEd25519.GeneratePublicKey(seed, 0, theirKey, 0);
            Assert.Equal(theirKey, publicKey);
            Ed25519.Sign(seed, publicKey, message, signature);
            BcEd25519.Sign(seed, 0, message, 0, message.Length, theirSignature, 0);
            Assert.Equal(theirSignature, signature);
            Assert.True(Ed25519.Verify(publicKey, message, signature));

            signature[_random.Next(64)] ^= (byte)(1 << _random.Next(8));
            Assert.Equal(
                BcEd25519.Verify(signature, 0, publicKey, 0, message, 0, message.Length), Ed25519.Verify(publicKey, message, signature));
        }
    }

    // Wycheproof's families of bad signatures: S not reduced, S = 0 with R = identity, S of 256 bits, R not canonical, parts exchanged.
    [Fact]
    public void Ed25519_refuses_what_is_not_reduced()
    {
        byte[] seed = Bytes(32), message = Bytes(40), publicKey = new byte[32], signature = new byte[64];
        Ed25519.PublicKey(seed, publicKey);
        Ed25519.Sign(seed, publicKey, message, signature);

        byte[] plusOrder = [.. signature];
        AddLittleEndian(plusOrder.AsSpan(32), Convert.FromHexString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"));
        byte[] highBits = [.. signature];
        highBits[63] |= 0xe0;
        byte[] identity = new byte[64];
        identity[0] = 1;
        byte[] nonCanonicalR =
        [
            .. Convert.FromHexString("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
            .. signature[32..],
        ];
        byte[] exchanged = [.. signature[32..], .. signature[..32]];
        foreach (byte[] bad in new[] { plusOrder, highBits, identity, nonCanonicalR, exchanged, new byte[64] })
        {
            Assert.False(Ed25519.Verify(publicKey, message, bad), Convert.ToHexStringLower(bad));
        }
    }

    [Theory]
    [InlineData(12)]
    [InlineData(20)]
    public void Salsa20_agrees_at_every_length_on_every_path(int rounds)
    {
        for (int length = 0; length < 700; length += 1 + length / 40)
        {
            byte[] key = Bytes(32), nonce = Bytes(8), data = Bytes(length), theirs = new byte[3 * 64 + length];
            var engine = new Salsa20Engine(rounds);
            engine.Init(true, new ParametersWithIV(new KeyParameter(key), nonce));
            engine.ProcessBytes([.. new byte[3 * 64], .. data], 0, theirs.Length, theirs, 0);
            foreach (Salsa20Path path in Enum.GetValues<Salsa20Path>().Where(p => p <= Salsa20.BestPath))
            {
                byte[] ours = [.. data];
                Salsa20.Xor(path, key, nonce, 3, rounds, ours);
                Assert.Equal(theirs[(3 * 64)..], ours);
            }
        }
    }

    [Fact]
    public void Poly1305_agrees_at_every_length_and_on_full_limbs()
    {
        for (int length = 0; length < 500; length++)
        {
            byte[] key = Bytes(32), data = Bytes(length);
            if (length % 3 == 0)
            {
                data.AsSpan().Fill(0xff);
                key.AsSpan(16).Fill(0xff);
            }

            byte[] theirs = Mac(new Org.BouncyCastle.Crypto.Macs.Poly1305(), new KeyParameter(key), data), ours = new byte[16];
            Managed.Crypto.Poly1305.Tag(vectorized: false, key, data, ours);
            Assert.Equal(theirs, ours);
            if (Managed.Crypto.Poly1305.IsVectorized)
            {
                Managed.Crypto.Poly1305.Tag(vectorized: true, key, data, ours);
                Assert.Equal(theirs, ours);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Aes_gmac_counter_mode_and_block_agree(bool portable)
    {
        Assert.SkipUnless(portable || AesGmacSivHardware.IsSupported, "no AES instructions");
        for (int length = 0; length < 400; length++)
        {
            byte[] k0 = Bytes(32), k1 = Bytes(32), iv = Bytes(12), data = Bytes(length), tag = new byte[16];
            using AesGmacSiv ours = AesGmacSiv.CreateFromKeys(k0, k1, portable);
            ours.Gmac(iv, data, tag);
            Assert.Equal(
                Mac(new GMac(new GcmBlockCipher(AesUtilities.CreateEngine())), new ParametersWithIV(new KeyParameter(k0), iv), data), tag);

            byte[] counter = [.. Bytes(12), 0x7f, 0xff, 0xff, 0xfe], encrypted = [.. data], expected = new byte[length];
            ours.Ctr(counter, encrypted);
            var ctr = new BufferedBlockCipher(new SicBlockCipher(AesUtilities.CreateEngine()));
            ctr.Init(true, new ParametersWithIV(new KeyParameter(k1), counter));
            int written = ctr.ProcessBytes(data, 0, length, expected, 0);
            ctr.DoFinal(expected, written);
            Assert.Equal(expected, encrypted);

            byte[] block = Bytes(16), copy = [.. block], theirs = new byte[16];
            IBlockCipher aes = AesUtilities.CreateEngine();
            aes.Init(true, new KeyParameter(k1));
            aes.ProcessBlock(block, 0, theirs, 0);
            ours.EncryptBlock(block);
            Assert.Equal(theirs, block);
            ours.DecryptBlock(block);
            Assert.Equal(copy, block);
        }
    }

    private static byte[] Mac(IMac mac, ICipherParameters parameters, byte[] data)
    {
        byte[] tag = new byte[mac.GetMacSize()];
        mac.Init(parameters);
        mac.BlockUpdate(data, 0, data.Length);
        mac.DoFinal(tag, 0);
        return tag;
    }

    private static void AddLittleEndian(Span<byte> number, ReadOnlySpan<byte> addend)
    {
        int carry = 0;
        for (int i = 0; i < number.Length; i++)
        {
            carry += number[i] + addend[i];
            number[i] = (byte)carry;
            carry >>= 8;
        }
    }

    private byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }
}
