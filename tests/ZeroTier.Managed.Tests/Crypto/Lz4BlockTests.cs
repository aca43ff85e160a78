using System.Text.Json;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed.Tests.Crypto;

public class Lz4BlockTests
{
    private const int PayloadOffset = 28;
    private const int MaximumPayload = 10024 - PayloadOffset;

    [Fact]
    public void Try_decode_packets_compressed_by_the_reference_gives_the_original()
    {
        int tried = 0;
        foreach (JsonElement v in CryptoVectors.Section("compression").Where(v => v.Flag("compressed")))
        {
            byte[] output = new byte[MaximumPayload];
            Assert.True(Lz4Block.TryDecode(v.Hex("compressed_packet").AsSpan(PayloadOffset), output, out int written));
            Assert.Equal(v.Hex("uncompressed_packet")[PayloadOffset..], output[..written]);
            tried++;
        }

        Assert.NotEqual(0, tried);
    }

    [Fact]
    public void Try_decode_hand_made_blocks_are_accepted_as_by_the_reference()
    {
        // An empty payload never reaches the decoder (docs/protocol/1-identity-and-crypto.md 1.16).
        foreach (JsonElement v in CryptoVectors.Section("decompression_cases").Where(v => v.Hex("packet").Length > PayloadOffset))
        {
            byte[] output = new byte[MaximumPayload];
            bool accepted = Lz4Block.TryDecode(v.Hex("packet").AsSpan(PayloadOffset), output, out int written);
            Assert.True(v.Flag("accepted") == accepted, v.Text("name"));
            if (accepted)
            {
                Assert.Equal(v.Number("result_size") - PayloadOffset, written);
                if (v.TryGetProperty("result_packet", out _))
                {
                    Assert.Equal(v.Hex("result_packet")[PayloadOffset..], output[..written]);
                }
            }
        }
    }

    [Theory]
    [InlineData("")] // nothing
    [InlineData("00")] // no literals, no output
    [InlineData("10610100")] // ends with a match: the last sequence must be literals
    [InlineData("10610000")] // offset 0
    [InlineData("1061")] // the valid one-literal block, see below
    [InlineData("f0")] // length goes on past the input
    [InlineData("f0ffffff")]
    [InlineData("106101")] // half an offset
    [InlineData("1f610100ffff")] // match length goes on past the input
    public void Try_decode_short_blocks_only_the_complete_one_is_accepted(string block) =>
        Assert.Equal(block == "1061", Lz4Block.TryDecode(Convert.FromHexString(block), new byte[64], out _));

    [Fact]
    public void Try_decode_seeded_mutations_never_throws_or_writes_outside()
    {
        byte[][] seeds = [.. CryptoVectors.Section("compression")
            .Where(v => v.Flag("compressed"))
            .Select(v => v.Hex("compressed_packet")[PayloadOffset..])];
        var random = new Random(8);
        byte[] memory = new byte[4096 + 64];
        for (int round = 0; round < 20_000; round++)
        {
            byte[] block = [.. seeds[random.Next(seeds.Length)]];
            for (int edits = random.Next(1, 6); edits > 0; edits--)
            {
                block[random.Next(block.Length)] = random.Next(3) == 0 ? (byte)255 : (byte)random.Next(256);
            }

            int size = random.Next(0, 4096);
            memory.AsSpan(size, 64).Fill(0xa5);
            bool accepted = Lz4Block.TryDecode(block.AsSpan(0, random.Next(block.Length + 1)), memory.AsSpan(0, size), out int written);
            Assert.True(accepted ? written > 0 && written <= size : written == 0);
            Assert.Equal(-1, memory.AsSpan(size, 64).IndexOfAnyExcept((byte)0xa5));
        }
    }

    [Fact]
    public void Try_decode_random_bytes_never_throws()
    {
        var random = new Random(9);
        byte[] block = new byte[300], output = new byte[MaximumPayload];
        for (int round = 0; round < 20_000; round++)
        {
            random.NextBytes(block);
            Lz4Block.TryDecode(block.AsSpan(0, random.Next(block.Length)), output, out int written);
            Assert.InRange(written, 0, output.Length);
        }
    }
}
