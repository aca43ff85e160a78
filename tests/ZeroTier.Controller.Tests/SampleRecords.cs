using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests;

/// <summary>Records in which nothing has its default value.</summary>
internal static class SampleRecords
{
    public static ControllerNetwork Network(NetworkId id, DateTimeOffset time) => new()
    {
        Id = id,
        Revision = 7,
        CreationTime = time,
        Name = "Büro \"1\"\n",
        IsPrivate = false,
        AllowsBroadcast = false,
        MulticastLimit = ulong.MaxValue,
        Mtu = 1400,
        AssignsIPv4 = true,
        ServesNames = true,
        IPv6Assignment = IPv6Assignment.Pool | IPv6Assignment.Rfc4193 | IPv6Assignment.SixPlane,
        Routes = [new(IPAddress.Parse("10.1.2.3"), 16, null), new(IPAddress.Parse("fd00::"), 8, IPAddress.Parse("fd00::1")),
        new(IPAddress.Any, 0,
            IPAddress.Parse("10.1.0.1"))],
        AddressPools =
        [
            new(IPAddress.Parse("10.1.0.1"), IPAddress.Parse("10.1.0.254")),
            new(IPAddress.Parse("fd00::"), IPAddress.Parse("fd00::ffff")),
        ],
        Dns = new NetworkDnsSettings("home.arpa", ["10.1.0.1", "not an address"]),
        Rules = [NetworkRule.Accept, NetworkRule.Accept],
        Capabilities = [new(1, [NetworkRule.Accept], isDefault: true), new(uint.MaxValue, [])],
        Tags = [new(5, 9), new(uint.MaxValue)],
        JoinTokens = ImmutableSortedDictionary<string, DateTimeOffset?>.Empty.WithComparers(StringComparer.Ordinal)
            .Add("secret", null)
            .Add("until", time),
        RulesSource = "accept;",
        RequiresLogin = true,
        AuthorizationEndpoint = "https://login.example",
        ClientId = "client",
        CertificateWindow = TimeSpan.FromMinutes(10),
        RemoteTraceTarget = "0123456789",
        RemoteTraceLevel = 3,
        Extensions = Extensions(),
    };

    public static ControllerMember Member(NetworkId network, NodeIdentity identity, DateTimeOffset time) => new()
    {
        Network = network,
        Node = identity.Address,
        Revision = 3,
        CreationTime = time,
        Name = "drucker",
        IsAuthorized = true,
        IsActiveBridge = true,
        AssignsAddresses = false,
        Addresses = [IPAddress.Parse("10.1.0.9"), IPAddress.Parse("fd00::9")],
        Tags = ImmutableSortedDictionary<uint, uint>.Empty.Add(5, uint.MaxValue).Add(uint.MaxValue, 0),
        Capabilities = [uint.MaxValue, 1],
        Identity = identity,
        LastAuthorizedTime = time.AddSeconds(1),
        LastDeauthorizedTime = time.AddSeconds(2),
        AuthorizedBy = AuthorizationSource.Token,
        AuthorizationToken = "secret",
        Version = new MemberVersion(1, 14, 2, 13),
        LoginExpiryTime = time.AddDays(1),
        IsLoginExempt = true,
        RemoteTraceTarget = "9876543210",
        RemoteTraceLevel = 4,
        Extensions = Extensions(),
    };

    private static ImmutableSortedDictionary<string, JsonElement> Extensions()
    {
        using var document = JsonDocument.Parse("""{"a":[1,{"b":null}],"tagsByName":{"x":1}}""");
        return document.RootElement.EnumerateObject().ToImmutableSortedDictionary(
            p => p.Name, p => p.Value.Clone(), StringComparer.Ordinal);
    }
}
