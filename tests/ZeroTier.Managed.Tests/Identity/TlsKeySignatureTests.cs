using System.Buffers.Binary;
using ZeroTier.Certificates;
using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Tests.Identity;

/// <summary>The signature over a TLS key, beside all that identities sign in the protocol.</summary>
public sealed class TlsKeySignatureTests
{
    private const int QualifierLength = 24;
    private static readonly DateTimeOffset Begin = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly TlsKeyStatement Statement = new("a key"u8.ToArray(), Begin, Begin.AddDays(30));

    [Fact]
    public void It_holds_for_what_was_signed_and_nothing_else()
    {
        var identity = TestIdentities.All[0];
        var proof = TlsKeySignature.Sign(identity, Statement);

        Assert.True(TlsKeySignature.Verify(identity, Statement, proof));
        Assert.False(TlsKeySignature.Verify(identity, Statement with { PublicKey = "a kez"u8.ToArray() }, proof));
        Assert.False(TlsKeySignature.Verify(identity, Statement with { NotBefore = Begin.AddSeconds(1) }, proof));
        Assert.False(TlsKeySignature.Verify(identity, Statement with { NotAfter = Begin.AddDays(31) }, proof));
        Assert.False(TlsKeySignature.Verify(TestIdentities.All[1], Statement, proof));
        Assert.False(
            TlsKeySignature.Verify(
                TestIdentities.All[1],
                Statement,
                proof with { Identity = TlsKeySignature.Sign(TestIdentities.All[1], Statement).Identity }));
        Assert.False(TlsKeySignature.Verify(identity, Statement, proof with { Signature = default }));
    }

    [Fact]
    public void It_is_good_for_nothing_else_that_identities_sign()
    {
        byte[] signed = TlsKeySignature.SignedBytes("who"u8, Statement);

        // No certificate of membership, which is a number of qualifiers; no object between guards; no piece of a configuration, which
        // begins with a network that the signer controls.
        Assert.NotEqual(0, signed.Length % QualifierLength);
        Assert.NotEqual(0x7f, signed[0]);
        Assert.Null(new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(signed)).Controller);
        Assert.True(new NodeId(BinaryPrimitives.ReadUInt64BigEndian(signed) >> 24).IsReserved);

        // Nobody chooses a byte or the length of it.
        byte[] other = TlsKeySignature.SignedBytes("somebody else"u8, Statement with { PublicKey = new byte[1000] });
        Assert.Equal(signed.Length, other.Length);
        Assert.Equal(signed[..^32], other[..^32]);
    }
}
