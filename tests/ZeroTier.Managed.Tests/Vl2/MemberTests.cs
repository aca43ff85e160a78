using System.Text.Json;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Membership;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>What a member's credentials and their revocations come to, step by step as with real nodes.</summary>
public class MemberTests
{
    [Fact]
    public void Membership_follows_certificates_and_revocations()
    {
        foreach (JsonElement vector in Vl2Vectors.Section("membership"))
        {
            var member = new Member(Vl2Vectors.MemberB.Address);
            bool isPublic = Vl2Vectors.Name(vector) == "public network";
            NetworkConfiguration configuration = Configuration(isPublic, vector.GetProperty("our_com_timestamp").GetUInt64());
            foreach (JsonElement step in vector.GetProperty("steps").EnumerateArray())
            {
                string about = $"{Vl2Vectors.Name(vector)}: {step.GetProperty("step").GetString()}";
                if (step.TryGetProperty("result", out JsonElement result))
                {
                    CredentialOutcome expected = result.GetString() switch
                    {
                        "accepted_new" => CredentialOutcome.New,
                        "accepted_redundant" => CredentialOutcome.Known,
                        _ => CredentialOutcome.Rejected,
                    };
                    Assert.True(expected == Show(member, step), about);
                }

                Assert.True(
                    step.GetProperty("B_allowed_after").GetBoolean() == member.View(configuration, Vl2Vectors.MemberB).IsAllowed, about);
            }
        }
    }

    [Fact]
    public void A_certificate_that_another_node_presents_lets_nobody_in()
    {
        var member = new Member(Vl2Vectors.MemberC.Address);
        NetworkConfiguration configuration = Configuration(isPublic: false, Vl2Vectors.Clock);
        ReadOnlySpan<byte> data = MembershipCertificate.Issue(
            Vl2Vectors.Controller, Vl2Vectors.Network, Vl2Vectors.Clock, 1_800_000, Vl2Vectors.MemberB);
        Assert.True(MembershipCertificate.TryRead(ref data, out MembershipCertificate? certificate));
        member.Add(certificate, Vl2Vectors.Everybody);
        Assert.False(member.View(configuration, Vl2Vectors.MemberC).IsAllowed);
        Assert.False(member.View(configuration, null).IsAllowed);
    }

    [Fact]
    public void A_credential_whose_signer_is_unknown_is_not_taken()
    {
        var member = new Member(Vl2Vectors.MemberB.Address);
        ReadOnlySpan<byte> data = Tag.Issue(Vl2Vectors.Controller, Vl2Vectors.Network, Vl2Vectors.Clock, 1, 2, Vl2Vectors.MemberB.Address);
        Assert.True(Tag.TryRead(ref data, out Tag? tag));
        Assert.Equal(CredentialOutcome.UnknownSigner, member.Add(tag, Vl2Vectors.Nobody));
        Assert.False(member.View(Configuration(false, Vl2Vectors.Clock), Vl2Vectors.MemberB).Credentials.TryGetTag(1, out _));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1_800_000, true)]
    [InlineData(-1_800_000, true)]
    [InlineData(1_800_001, false)]
    [InlineData(-1_800_001, false)]
    public void A_tag_counts_within_the_window_of_our_configuration(long age, bool counts)
    {
        var member = new Member(Vl2Vectors.MemberB.Address);
        member.Add(ReadTag(1, 7, (ulong)((long)Vl2Vectors.Clock + age)), Vl2Vectors.Everybody);
        Assert.Equal(
            counts, member.View(Configuration(false, Vl2Vectors.Clock), Vl2Vectors.MemberB).Credentials.TryGetTag(1, out uint value));
        Assert.Equal(counts ? 7u : 0, value);
    }

    [Fact]
    public void Only_so_many_credentials_are_kept()
    {
        var member = new Member(Vl2Vectors.MemberB.Address);
        for (uint id = 0; id < 128; id++)
        {
            Assert.Equal(CredentialOutcome.New, member.Add(ReadTag(id, 1, Vl2Vectors.Clock), Vl2Vectors.Everybody));
        }

        Assert.Equal(CredentialOutcome.Rejected, member.Add(ReadTag(128, 1, Vl2Vectors.Clock), Vl2Vectors.Everybody));
        Assert.Equal(CredentialOutcome.New, member.Add(ReadTag(3, 2, Vl2Vectors.Clock + 1), Vl2Vectors.Everybody));
    }

    private static Tag ReadTag(uint id, uint value, ulong timestamp)
    {
        ReadOnlySpan<byte> data = Tag.Issue(Vl2Vectors.Controller, Vl2Vectors.Network, timestamp, id, value, Vl2Vectors.MemberB.Address);
        Assert.True(Tag.TryRead(ref data, out Tag? tag));
        return tag;
    }

    // The table of networks looks the member up in the network that the certificate names (NetworkTableTests): those of other networks
    // never get here.
    private static CredentialOutcome Show(Member member, JsonElement step)
    {
        if (step.TryGetProperty("com", out _))
        {
            ReadOnlySpan<byte> data = step.Hex("com");
            Assert.True(MembershipCertificate.TryRead(ref data, out MembershipCertificate? certificate));
            return certificate.Network != Vl2Vectors.Network
                ? CredentialOutcome.Rejected
                : member.Add(certificate, Vl2Vectors.Everybody);
        }

        ReadOnlySpan<byte> bytes = step.Hex("revocation");
        Assert.True(Revocation.TryRead(ref bytes, out Revocation? revocation));
        return member.Add(revocation, Vl2Vectors.Everybody);
    }

    private static NetworkConfiguration Configuration(bool isPublic, ulong timestamp)
    {
        byte[] text = new NetworkDictionaryWriter()
            .Add("v", 7)
            .Add("nwid", Vl2Vectors.Network.Value)
            .Add("id", Vl2Vectors.MemberA.Address.ToString())
            .Add("t", isPublic ? 1UL : 0UL).Add("ts", timestamp).Add("ctmd", 1_800_000)
            .Add("C", MembershipCertificate.Issue(Vl2Vectors.Controller, Vl2Vectors.Network, timestamp, 1_800_000, Vl2Vectors.MemberA))
            .ToArray();
        Assert.True(NetworkConfigurationReader.TryRead(text, RandomSource.System, out NetworkConfiguration? configuration, out _));
        return configuration;
    }
}
