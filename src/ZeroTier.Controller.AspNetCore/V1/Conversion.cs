using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace ZeroTier.Controller.AspNetCore.V1;

/// <summary>
/// Converts records of the controller to resources of the REST API, and patches to records. Errors name the invalid property.
/// </summary>
internal static class Conversion
{
    public static NetworkResource ToResource(ControllerNetwork network, NetworkCounts counts) => new(
        network.Id.ToString(),
        network.Revision,
        network.CreationTime,
        network.Name,
        network.IsPrivate,
        network.AllowsBroadcast,
        network.MulticastLimit,
        network.Mtu,
        network.AssignsIPv4,
        new Ipv6Resource(
            network.IPv6Assignment.HasFlag(IPv6Assignment.Pool), network.IPv6Assignment.HasFlag(IPv6Assignment.Rfc4193),
            network.IPv6Assignment.HasFlag(IPv6Assignment.SixPlane)),
        [.. network.Routes.Select(
            r => new RouteResource(string.Create(CultureInfo.InvariantCulture, $"{r.Target}/{r.PrefixLength}"), r.Via?.ToString()))],
        [.. network.AddressPools.Select(p => new PoolResource(p.First.ToString(), p.Last.ToString()))],
        network.Dns is { } dns ? new DnsResource(dns.Domain, dns.Servers) : null,
        network.ServesNames,
        new CountsResource(counts.Total, counts.Authorized, counts.Online));

    public static MemberResource ToResource(MemberStatus status)
    {
        ControllerMember member = status.Member;
        return new MemberResource(
            member.Node.ToString(), member.Network.ToString(), member.Revision, member.CreationTime, member.Name, member.IsAuthorized,
            member.AuthorizedBy.ToString(),
            member.IsActiveBridge, member.AssignsAddresses, [.. member.Addresses.Select(a => a.ToString())], status.Addresses.ToString(),
            member.Tags,
            [.. member.Capabilities], member.Identity?.ToString(), member.Version is { } v ? $"{v.Major}.{v.Minor}.{v.Revision}" : null,
            member.LastAuthorizedTime,
            member.LastDeauthorizedTime, status.IsOnline, status.LastSeen);
    }

    public static AuditResource ToResource(AuditEntry entry) =>
        new(entry.Id, entry.Time, entry.Actor.Name, entry.Action, entry.Network.ToString(), entry.Member?.ToString(), entry.Detail);

    public static ControllerNetwork Apply(ControllerNetwork network, NetworkPatch patch) => network with
    {
        Name = patch.Name ?? network.Name,
        IsPrivate = patch.Private ?? network.IsPrivate,
        AllowsBroadcast = patch.Broadcast ?? network.AllowsBroadcast,
        MulticastLimit = patch.MulticastLimit ?? network.MulticastLimit,
        Mtu = patch.Mtu ?? network.Mtu,
        AssignsIPv4 = patch.AssignsIpv4 ?? network.AssignsIPv4,
        IPv6Assignment = patch.Ipv6 is { } v6
            ? (v6.Pool ? IPv6Assignment.Pool : 0) | (v6.Rfc4193 ? IPv6Assignment.Rfc4193 : 0) | (v6.SixPlane ? IPv6Assignment.SixPlane : 0)
            : network.IPv6Assignment,
        Routes = patch.Routes is { } routes ? [.. routes.Select(ReadRoute)] : network.Routes,
        AddressPools = patch.Pools is { } pools ? [.. pools.Select(ReadPool)] : network.AddressPools,
        Dns = patch.Dns switch
        {
            null => network.Dns,
            { Domain: "", Servers.Count: 0 } => null,
            var dns => new NetworkDnsSettings(dns.Domain, [.. dns.Servers.Select(s => ReadAddress(s, "dns.servers").ToString())]),
        },
        ServesNames = patch.ServesNames ?? network.ServesNames,
    };

    public static ControllerMember Apply(ControllerMember member, MemberPatch patch) => member with
    {
        Name = patch.Name ?? member.Name,
        IsAuthorized = patch.Authorized ?? member.IsAuthorized,
        IsActiveBridge = patch.ActiveBridge ?? member.IsActiveBridge,
        AssignsAddresses = patch.AssignsAddresses ?? member.AssignsAddresses,
        Addresses = patch.Addresses is { } addresses ? [.. addresses.Select(a => ReadAddress(a, "addresses"))] : member.Addresses,
        Tags = patch.Tags is { } tags ? tags.ToImmutableSortedDictionary() : member.Tags,
        Capabilities = patch.Capabilities is { } capabilities ? [.. capabilities] : member.Capabilities,
    };

    // JSON lists may contain null even if the element type is not nullable.
    private static AddressPool ReadPool(PoolResource? pool) => pool is null
        ? throw new ArgumentException("pools holds null. A valid example is {\"first\":\"10.147.20.10\",\"last\":\"10.147.20.250\"}.")
        : new AddressPool(ReadAddress(pool.First, "pools"), ReadAddress(pool.Last, "pools"));

    private static NetworkRoute ReadRoute(RouteResource? route)
    {
        string[] parts = route?.Target.Split('/') ?? [];
        if (route is null || parts.Length != 2 || !byte.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out byte bits))
        {
            throw new ArgumentException(
                $"routes holds the target '{route?.Target}', which is no network. A valid example is 10.147.20.0/24.");
        }

        return new NetworkRoute(ReadAddress(parts[0], "routes"), bits, route.Via is { } via ? ReadAddress(via, "routes") : null);
    }

    private static IPAddress ReadAddress(string text, string name) =>
        Json.AddressText.ReadPrefix(text) is { Bits: 0 } && IPAddress.TryParse(text,
            out IPAddress? address)
            ? address
            : throw new ArgumentException($"{name} holds '{text}', which is no IP address. Valid examples are 10.147.20.5 and fd00::5.");
}
