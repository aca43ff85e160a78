using System.Net;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>Who may use which address where a controller gives them out.</summary>
public class NetworkOwnershipTests
{
    private static readonly NodeId Member = Vl2Vectors.MemberB.Address;
    private static readonly NodeId Gateway = Vl2Vectors.MemberC.Address;

    [Theory]
    [InlineData("10.147.20.5", true)] // what its certificate names
    [InlineData("10.147.20.6", false)] // an address of the network that it does not name
    [InlineData("10.147.20.1", false)] // ours
    [InlineData("192.168.77.3", false)] // behind a gateway that it is not
    [InlineData("8.8.8.8", false)] // on no route
    public void A_member_with_a_certificate_uses_what_it_names(string address, bool expected) =>
        Assert.Equal(expected, MayUse(Member, Shown("10.147.20.5"), address));

    [Theory]
    [InlineData("10.147.20.254", true)]
    [InlineData("192.168.77.3", true)]
    [InlineData("192.168.78.3", false)]
    public void A_gateway_speaks_for_the_range_behind_it(string address, bool expected) =>
        Assert.Equal(expected, MayUse(Gateway, Shown("10.147.20.254"), address));

    [Theory]
    [InlineData("10.147.20.9", true)]
    [InlineData("10.147.20.1", false)] // ours
    [InlineData("10.147.20.7", false)] // what the gateway's certificate names
    [InlineData("10.147.20.8", true)] // what a certificate of its own names, as the table knows
    public void A_member_without_a_certificate_uses_what_is_nobody_elses(string address, bool expected) =>
        Assert.Equal(expected, MayUse(Member, null, address));

    private static bool MayUse(NodeId member, IMemberCredentials? shown, string address) =>
        new SourceAddressCheck(Vl2Vectors.Network, new FakeGate { Owner = Owner })
            .MayUse(Configuration(), member, shown, IpAddress.From(IPAddress.Parse(address)));

    private static NodeId? Owner(IpAddress address) => address.ToString() switch
    {
        "10.147.20.7" => Gateway,
        "10.147.20.8" => Member,
        _ => null,
    };

    private static CredentialView Shown(string address)
    {
        ReadOnlySpan<byte> data = OwnershipCertificate.Issue(
            Vl2Vectors.Controller, Vl2Vectors.Network, Vl2Vectors.Clock, 1, [IpAddress.From(IPAddress.Parse(address))], Member);
        Assert.True(OwnershipCertificate.TryRead(ref data, out OwnershipCertificate? certificate));
        return new CredentialView([certificate]);
    }

    private static NetworkConfiguration Configuration() => new()
    {
        Id = Vl2Vectors.Network,
        Filter = AcceptAll.Instance,
        Addresses = [new(IpAddress.From(IPAddress.Parse("10.147.20.1")), 24)],
        Routes = [new IpRoute(IpAddress.From(IPAddress.Parse("192.168.77.0")), 24, IpAddress.From(IPAddress.Parse("10.147.20.254")), 0)],
    };
}
