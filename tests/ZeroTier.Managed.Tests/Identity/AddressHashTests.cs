using System.Security.Cryptography;
using System.Text.Json;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Tests.Crypto;

namespace ZeroTier.Managed.Tests.Identity;

public class AddressHashTests
{
    [Fact]
    public void Compute_vectors_of_the_reference_agrees_at_every_stage()
    {
        foreach (JsonElement v in CryptoVectors.Section("memory_hard_hash"))
        {
            byte[] digest = SHA512.HashData(v.Hex("public_key"));
            Assert.Equal(v.Hex("sha512_of_public_key"), digest);
            byte[] cipherKey = digest[..40];
            byte[] memory = new byte[AddressHash.MemorySize];
            AddressHash.Fill(cipherKey, memory);
            Assert.Equal(v.Hex("genmem_fill_first64"), memory[..64]);
            Assert.Equal(v.Hex("genmem_fill_second64"), memory[64..128]);
            Assert.Equal(v.Hex("genmem_fill_last64"), memory[^64..]);
            Assert.Equal(v.Hex("genmem_fill_sha512"), SHA512.HashData(memory));

            foreach (JsonElement step in v.GetProperty("first_mix_steps").EnumerateArray())
            {
                byte[] copy = [.. memory], partial = [.. digest];
                AddressHash.Mix(cipherKey, copy, partial, step.Number("step") + 1);
                Assert.Equal(v.Text("name") + " " + step.Text("digest_after"), v.Text("name") + " " + Convert.ToHexStringLower(partial));
            }

            AddressHash.Mix(cipherKey, memory, digest, AddressHash.MemorySize / 16);
            Assert.Equal(v.Hex("genmem_final_sha512"), SHA512.HashData(memory));
            Assert.Equal(v.Hex("final_digest"), digest);
            Assert.Equal(v.Number("final_digest_first_byte"), digest[0]);
            Assert.Equal(v.Flag("hashcash_ok"), digest[0] < AddressHash.FirstByteLimit);
            Assert.Equal(v.Text("derived_address"), Convert.ToHexStringLower(digest[59..]));

            byte[] whole = new byte[64];
            AddressHash.Compute(v.Hex("public_key"), whole);
            Assert.Equal(v.Hex("final_digest"), whole);
        }
    }

    [Fact]
    public void Constants_are_those_of_the_reference()
    {
        JsonElement constants = CryptoVectors.Root("constants");
        Assert.Equal(AddressHash.FirstByteLimit, constants.Number("hashcash_first_byte_less_than"));
        Assert.Equal(AddressHash.MemorySize, constants.Number("genmem_bytes"));
    }
}
