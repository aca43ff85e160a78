using System.Text.Json;
using ZeroTier.Managed.Tests.Crypto;

namespace ZeroTier.Managed.Tests.Identity;

public class NodeIdentityTests
{
    internal static NodeIdentity Load(int index) =>
        NodeIdentity.Parse(CryptoVectors.Section("identities").ElementAt(index).Text("string_secret"));

    [Fact]
    public void Forms_identities_of_the_reference_round_trip()
    {
        foreach (JsonElement v in CryptoVectors.Section("identities"))
        {
            NodeIdentity known = NodeIdentity.Parse(v.Text("string_public"));
            NodeIdentity own = NodeIdentity.Parse(v.Text("string_secret") + "\n");
            Assert.Equal(v.Text("address"), known.Address.ToString());
            Assert.Equal(v.Hex("public_key"), known.PublicKey);
            Assert.False(known.HasSecret);
            Assert.True(own.HasSecret);
            Assert.Equal(known, own);
            Assert.Equal(known.GetHashCode(), own.GetHashCode());
            Assert.Equal(v.Text("string_public"), own.ToString());
            Assert.Equal(v.Text("string_secret"), own.ToSecretText());
            Assert.Equal(v.Hex("public_key_hash"), own.PublicKeyHash);
            Assert.Equal(v.Flag("locally_valid"), own.IsLocallyValid());

            byte[] binary = new byte[NodeIdentity.BinarySize];
            Assert.Equal(v.Number("binary_public_length"), own.WriteTo(binary));
            Assert.Equal(v.Hex("binary_public"), binary);
            Assert.True(NodeIdentity.TryRead([.. binary, 1, 2, 3], out NodeIdentity? read, out int bytesRead));
            Assert.Equal(v.Number("binary_public_length"), bytesRead);
            Assert.Equal(known, read);
            Assert.True(NodeIdentity.TryRead(v.Hex("binary_with_private"), out read, out bytesRead));
            Assert.Equal(v.Number("binary_with_private_length"), bytesRead);
            Assert.Equal(v.Text("string_secret"), read.ToSecretText());
        }
    }

    [Fact]
    public void Readers_invalid_identities_of_the_reference_answer_alike()
    {
        foreach (JsonElement v in CryptoVectors.Section("invalid_identities"))
        {
            bool parses = v.Text("form") == "string"
                ? NodeIdentity.TryParse(v.Text("value"), out NodeIdentity? identity)
                : NodeIdentity.TryRead(v.Hex("value"), out identity, out _);
            Assert.True(v.Flag("parses") == parses, v.Text("name"));
            Assert.True(v.Flag("locally_valid") == (parses && identity!.IsLocallyValid()), v.Text("name"));
        }
    }

    // docs/protocol/1-identity-and-crypto.md 1.4.5 asks for less than ZeroTierOne 1.12 accepts: upper case and white space around, nothing
    // else.
    [Theory]
    [InlineData("upper-case hex", true)]
    [InlineData("trailing newline after public key", true)]
    [InlineData("secret with trailing newline", true)]
    [InlineData("doubled colon", false)]
    [InlineData("extra hex after public key", false)]
    [InlineData("trailing colon", false)]
    [InlineData("private key of another identity", false)]
    public void Try_parse_unusual_text_is_stricter_than_the_reference(string name, bool accepted)
    {
        JsonElement v = CryptoVectors.Section("identity_parser_behaviour").Single(v => v.Text("name") == name);
        Assert.Equal(accepted, NodeIdentity.TryParse(v.Text("value"), out NodeIdentity? identity));
        if (accepted)
        {
            Assert.Equal(v.Flag("has_private"), identity!.HasSecret);
        }
    }

    [Fact]
    public void Try_parse_every_unusual_text_of_the_reference_has_an_answer_above() =>
        Assert.Equal(7, CryptoVectors.Section("identity_parser_behaviour").Count());

    [Fact]
    public void Sign_signatures_of_the_reference_gives_the_same_bytes()
    {
        foreach (JsonElement v in CryptoVectors.Section("signatures"))
        {
            // Only the keys matter here; the address is any that is not reserved.
            NodeIdentity own = FromKeys(v.Hex("public_key"), v.Hex("private_key"));
            Assert.Equal(v.Text("signature"), Convert.ToHexStringLower(own.Sign(v.Hex("message"))));
            Assert.True(own.Verify(v.Hex("message"), v.Hex("signature")));
            foreach (JsonElement tampered in v.GetProperty("tampered").EnumerateArray())
            {
                NodeIdentity other = FromKeys(tampered.Hex("public_key"));
                Assert.True(
                    tampered.Flag("valid") == other.Verify(tampered.Hex("message"), tampered.Hex("signature")), tampered.Text("name"));
            }
        }
    }

    // ZeroTierOne 1.12 takes S + L for S; RFC 8032, 5.1.7 does not, and no honest signer makes it.
    [Fact]
    public void Verify_scalar_not_canonical_is_refused_unlike_by_the_reference()
    {
        foreach (JsonElement v in CryptoVectors.Section("signature_edge_cases"))
        {
            NodeIdentity signer = FromKeys(v.Hex("public_key"));
            Assert.True(v.Flag("accepted_by_reference"));
            Assert.False(signer.Verify(v.Hex("message"), v.Hex("signature")));
            Assert.True(signer.Verify(v.Hex("message"), v.Hex("canonical_signature")));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    [InlineData(95)]
    [InlineData(97)]
    public void Verify_signature_of_other_length_is_false(int length) => Assert.False(Load(0).Verify([1], new byte[length]));

    [Fact]
    public void Sign_without_secret_says_so()
    {
        NodeIdentity known = NodeIdentity.Parse(Load(0).ToString());
        Assert.Throws<InvalidOperationException>(() => known.Sign([1]));
        Assert.Throws<InvalidOperationException>(known.ToSecretText);
    }

    [Fact]
    public void Dispose_own_identity_forgets_the_secret_and_keeps_the_public_part()
    {
        NodeIdentity own = Load(0);
        byte[] signature = own.Sign([1]);
        own.Dispose();
        own.Dispose();
        Assert.False(own.HasSecret);
        Assert.Throws<ObjectDisposedException>(() => own.Sign([1]));
        Assert.Throws<ObjectDisposedException>(own.ToSecretText);
        Assert.True(own.Verify([1], signature));
    }

    [Fact]
    public void Parse_bad_text_error_does_not_repeat_the_text()
    {
        string text = Load(0).ToSecretText();
        var error = Assert.Throws<FormatException>(() => NodeIdentity.Parse(text[..^1] + "x"));
        Assert.DoesNotContain(text[150..200], error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Equals_other_address_or_key_is_false()
    {
        NodeIdentity a = Load(0);
        Assert.NotEqual(a, Load(1));
        Assert.NotEqual(a, NodeIdentity.Parse("1d483ea0b8" + a.ToString()[10..]));
        Assert.False(a.Equals(null));
    }

    [Fact]
    public void Write_to_short_destination_throws() => Assert.Throws<ArgumentException>(() => Load(0).WriteTo(new byte[70]));

    [Fact]
    public void Try_parse_seeded_mutations_never_throws()
    {
        string[] seeds = [Load(0).ToString(), Load(1).ToSecretText()];
        var random = new Random(11);
        for (int round = 0; round < 3000; round++)
        {
            char[] text = seeds[round % 2].ToCharArray();
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                text[random.Next(text.Length)] = random.Next(4) switch
                {
                    0 => ':',
                    1 => (char)random.Next(0x300),
                    2 => ' ',
                    _ => "0123456789abcdefg"[random.Next(17)],
                };
            }

            string mutated = new string(text)[..(random.Next(3) == 0 ? random.Next(text.Length + 1) : text.Length)];
            if (NodeIdentity.TryParse(mutated, out NodeIdentity? identity))
            {
                Assert.Equal(mutated.Trim()[..NodeIdentity.TextLength].ToLowerInvariant(), identity.ToString());
            }
        }
    }

    [Fact]
    public void Try_read_seeded_mutations_and_every_length_never_throws()
    {
        byte[] seed = CryptoVectors.Section("identities").First().Hex("binary_with_private");
        var random = new Random(12);
        for (int length = 0; length < seed.Length; length++)
        {
            Assert.False(NodeIdentity.TryRead(seed.AsSpan(0, length), out _, out int bytesRead));
            Assert.Equal(0, bytesRead);
        }

        for (int round = 0; round < 3000; round++)
        {
            byte[] mutated = [.. seed];
            mutated[random.Next(3) == 0 ? 5 : random.Next(3) == 0 ? 70 : random.Next(seed.Length)] = (byte)(random.Next(2) == 0
                ? 0
                : random.Next(256));
            bool accepted = NodeIdentity.TryRead(
                mutated.AsSpan(0, random.Next(mutated.Length + 1)), out NodeIdentity? identity, out int bytesRead);
            Assert.Equal(accepted, identity is not null);
            Assert.True(bytesRead is 0 or 71 or 135);
        }
    }

    private static NodeIdentity FromKeys(byte[] publicKey, byte[]? privateKey = null)
    {
        byte[] binary = [1, 2, 3, 4, 5, 0, .. publicKey, (byte)(privateKey?.Length ?? 0), .. privateKey ?? []];
        Assert.True(NodeIdentity.TryRead(binary, out NodeIdentity? identity, out _));
        return identity;
    }
}
