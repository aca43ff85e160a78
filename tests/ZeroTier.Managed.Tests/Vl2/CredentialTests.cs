using System.Text.Json;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>Parsing, signatures and agreement of credentials, against what real nodes make of the same bytes.</summary>
public class CredentialTests
{
    private delegate bool Reader(ref ReadOnlySpan<byte> data, out Func<ISignerDirectory, SignatureResult>? check);

    [Fact]
    public void Certificates_of_membership() =>
        Compare("coms", (ref ReadOnlySpan<byte> data, out Func<ISignerDirectory, SignatureResult>? check) =>
        {
            bool read = MembershipCertificate.TryRead(ref data, out MembershipCertificate? certificate);
            check = certificate is null ? null : certificate.CheckSignature;
            return read;
        });

    [Fact]
    public void Tags() => Compare("tags", (ref ReadOnlySpan<byte> data, out Func<ISignerDirectory, SignatureResult>? check) =>
    {
        bool read = Tag.TryRead(ref data, out Tag? tag);
        check = tag is null ? null : tag.CheckSignature;
        return read;
    });

    [Fact]
    public void Capabilities() =>
        Compare("capabilities", (ref ReadOnlySpan<byte> data, out Func<ISignerDirectory, SignatureResult>? check) =>
        {
            bool read = Capability.TryRead(ref data, out Capability? capability);
            check = capability is null ? null : capability.CheckSignature;
            return read;
        });

    [Fact]
    public void Certificates_of_ownership() =>
        Compare("ownership", (ref ReadOnlySpan<byte> data, out Func<ISignerDirectory, SignatureResult>? check) =>
        {
            bool read = OwnershipCertificate.TryRead(ref data, out OwnershipCertificate? certificate);
            check = certificate is null ? null : certificate.CheckSignature;
            return read;
        });

    [Fact]
    public void Revocations() => Compare("revocations", (ref ReadOnlySpan<byte> data, out Func<ISignerDirectory, SignatureResult>? check) =>
    {
        bool read = Revocation.TryRead(ref data, out Revocation? revocation);
        check = revocation is null ? null : revocation.CheckSignature;
        return read;
    });

    [Fact]
    public void Agreement_of_certificates()
    {
        foreach (JsonElement vector in Vl2Vectors.Section("com_agreement"))
        {
            MembershipCertificate ours = Membership(vector.Hex("ours")), theirs = Membership(vector.Hex("theirs"));
            NodeIdentity identity = NodeIdentity.Parse(vector.GetProperty("their_identity").GetString()!);
            Assert.True(vector.GetProperty("agrees").GetBoolean() == ours.Agrees(theirs, identity.PublicKeyHash), Vl2Vectors.Name(vector));
            bool reverse = vector.GetProperty("reverse_agrees_if_their_identity_were_A").GetBoolean();
            Assert.True(reverse == theirs.Agrees(ours, Vl2Vectors.MemberA.PublicKeyHash), Vl2Vectors.Name(vector));
        }
    }

    [Fact]
    public void Owned_addresses()
    {
        JsonElement vector = Vl2Vectors.Section("ownership").First();
        ReadOnlySpan<byte> data = vector.Hex("binary");
        Assert.True(OwnershipCertificate.TryRead(ref data, out OwnershipCertificate? certificate));
        var view = new CredentialView([certificate]);
        foreach (JsonElement owns in vector.GetProperty("owns").EnumerateArray())
        {
            if (owns.TryGetProperty("ip", out JsonElement ip))
            {
                Assert.Equal(
                    owns.GetProperty("owned").GetBoolean(), view.Owns(IpAddress.From(System.Net.IPAddress.Parse(ip.GetString()!))));
            }
        }

        Assert.True(view.Owns(new MacAddress(0xeeae67132487)));
        Assert.False(view.Owns(new MacAddress(0xeeae67132488)));
    }

    [Fact]
    public void What_a_controller_issues_is_what_the_recorded_one_issued()
    {
        JsonElement membership = Vl2Vectors.Section("coms").First();
        Assert.Equal(
            membership.Hex("binary"),
            MembershipCertificate.Issue(Vl2Vectors.Controller, Vl2Vectors.Network, Vl2Vectors.Clock, 1_800_000, Vl2Vectors.MemberA));
        Assert.Equal(
            Vl2Vectors.Section("tags").First().Hex("binary"),
            Tag.Issue(Vl2Vectors.Controller, Vl2Vectors.Network, Vl2Vectors.Clock, 1000, 5, Vl2Vectors.MemberA.Address));
        Assert.Equal(
            Vl2Vectors.Section("revocations").First().Hex("binary"),
            Revocation.Issue(
                Vl2Vectors.Controller,
                Vl2Vectors.Network,
                0xa1b2c3d4,
                CredentialType.Membership,
                0,
                Vl2Vectors.Clock,
                Vl2Vectors.MemberA.Address));
        JsonElement capability = Vl2Vectors.Section("capabilities").First();
        Assert.True(RuleTable.TryRead(capability.GetProperty("fields").Hex("rules_hex"), 64, out RuleTable? rules));
        Assert.Equal(
            capability.Hex("binary"),
            Capability.Issue(Vl2Vectors.Controller, Vl2Vectors.Network, Vl2Vectors.Clock, 7, rules, Vl2Vectors.MemberA.Address));

        byte[] ownership = OwnershipCertificate.Issue(
            Vl2Vectors.Controller, Vl2Vectors.Network, Vl2Vectors.Clock, 1, [IpAddress.FromIPv4(0x0a931405)], Vl2Vectors.MemberA.Address);
        ReadOnlySpan<byte> data = ownership;
        Assert.True(OwnershipCertificate.TryRead(ref data, out OwnershipCertificate? read));
        Assert.Equal(SignatureResult.Good, read.CheckSignature(Vl2Vectors.Everybody));
    }

    [Fact]
    public void A_list_of_credentials_survives_writing_and_reading()
    {
        ReadOnlySpan<byte> data = Vl2Vectors.Section("tags").First().Hex("binary");
        Assert.True(Tag.TryRead(ref data, out Tag? tag));
        data = Vl2Vectors.Section("ownership").First().Hex("binary");
        Assert.True(OwnershipCertificate.TryRead(ref data, out OwnershipCertificate? ownership));
        data = Vl2Vectors.Section("capabilities").First().Hex("binary");
        Assert.True(Capability.TryRead(ref data, out Capability? capability));
        byte[] payload = CredentialList.Encode(
            Membership(Vl2Vectors.Section("coms").First().Hex("binary")), [capability], [tag], [ownership]);

        Assert.True(CredentialList.TryRead(payload, out CredentialList? list));
        Assert.Single(list.Memberships);
        Assert.Equal(3, list.Credentials.Count);
        Assert.Empty(list.Revocations);
        for (int length = 0; length < payload.Length; length++)
        {
            CredentialList.TryRead(payload.AsSpan(0, length), out _);
        }
    }

    [Fact]
    public void Recorded_lists_of_real_nodes_are_read()
    {
        int lists = 0;
        foreach (JsonElement packet in Vl2Vectors.Single("transcript").GetProperty("events").EnumerateArray())
        {
            if (packet.TryGetProperty("verb_name", out JsonElement verb) && verb.GetString() == "NETWORK_CREDENTIALS")
            {
                Assert.True(CredentialList.TryRead(packet.Hex("payload"), out CredentialList? list));
                Assert.All(list.Memberships, m => Assert.Equal(SignatureResult.Good, m.CheckSignature(Vl2Vectors.Everybody)));
                lists++;
            }
        }

        Assert.True(lists > 3);
    }

    private static MembershipCertificate Membership(ReadOnlySpan<byte> data)
    {
        Assert.True(MembershipCertificate.TryRead(ref data, out MembershipCertificate? certificate));
        return certificate;
    }

    private static void Compare(string section, Reader reader)
    {
        foreach (JsonElement vector in Vl2Vectors.Section(section))
        {
            byte[] binary = vector.Hex("binary");
            ReadOnlySpan<byte> data = binary;
            bool read = reader(ref data, out Func<ISignerDirectory, SignatureResult>? check);
            Assert.True(vector.GetProperty("parses").GetBoolean() == read, Vl2Vectors.Name(vector));
            if (read)
            {
                Assert.Equal(vector.GetProperty("parsed_length").GetInt32(), binary.Length - data.Length);
                SignatureResult expected = vector.GetProperty("verify").GetString() switch
                {
                    "valid" => SignatureResult.Good,
                    "invalid" => SignatureResult.Bad,
                    _ => SignatureResult.UnknownSigner,
                };
                Assert.True(expected == check!(Vl2Vectors.Everybody), Vl2Vectors.Name(vector));
                Assert.NotEqual(SignatureResult.Good, check(Vl2Vectors.Nobody));
            }

            // Every truncation is refused without an exception.
            for (int length = 0;
                length < Math.Min(
                    binary.Length, vector.TryGetProperty("parsed_length", out JsonElement parsed) ? parsed.GetInt32() : int.MaxValue);
                length++)
            {
                ReadOnlySpan<byte> cut = binary.AsSpan(0, length);
                Assert.False(reader(ref cut, out _), Vl2Vectors.Name(vector));
            }
        }
    }
}
