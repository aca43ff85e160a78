using System.Text.Json.Serialization;

namespace ZeroTier.Controller.AspNetCore.V1;

/// <summary>A page of a list. Next is the cursor for the following page; null on the last one.</summary>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

internal sealed record NetworkResource(
    string Id, long Revision, DateTimeOffset Created, string Name, bool Private, bool Broadcast, ulong MulticastLimit, int Mtu,
    bool AssignsIpv4,
    Ipv6Resource Ipv6, IReadOnlyList<RouteResource> Routes, IReadOnlyList<PoolResource> Pools, DnsResource? Dns, bool ServesNames,
    CountsResource Members);

/// <summary>The kinds of IPv6 addresses assigned to members.</summary>
internal sealed record Ipv6Resource(bool Pool, bool Rfc4193, bool SixPlane);

/// <summary>A route: the target with its prefix length, and the gateway, if any.</summary>
internal sealed record RouteResource(string Target, string? Via = null);

internal sealed record PoolResource(string First, string Last);

internal sealed record DnsResource(string Domain, IReadOnlyList<string> Servers);

internal sealed record CountsResource(int Total, int Authorized, int Online);

/// <summary>Changes of a network; missing properties are unchanged.</summary>
internal sealed record NetworkPatch
{
    public string? Name { get; init; }

    public bool? Private { get; init; }

    public bool? Broadcast { get; init; }

    public ulong? MulticastLimit { get; init; }

    public int? Mtu { get; init; }

    public bool? AssignsIpv4 { get; init; }

    public Ipv6Resource? Ipv6 { get; init; }

    public IReadOnlyList<RouteResource>? Routes { get; init; }

    public IReadOnlyList<PoolResource>? Pools { get; init; }

    /// <summary>An empty domain without servers removes the setting.</summary>
    public DnsResource? Dns { get; init; }

    /// <summary>Whether the controller serves members' names in the domain of dns.</summary>
    public bool? ServesNames { get; init; }
}

/// <summary>
/// The rules. Source is the text that they were compiled from, empty if there is none. Text is the source or, without one, the formatted
/// rules; null if the rule language cannot express them. The other properties are the rules in ZeroTierOne's JSON.
/// </summary>
internal sealed record RulesResource(
    string Source, string? Text, IReadOnlyList<NetworkRule> Rules, IReadOnlyList<NetworkCapability> Capabilities,
        IReadOnlyList<NetworkTag> Tags);

/// <summary>New rules, either as text or as JSON.</summary>
internal sealed record RulesChange
{
    public string? Source { get; init; }

    public IReadOnlyList<NetworkRule>? Rules { get; init; }

    public IReadOnlyList<NetworkCapability?>? Capabilities { get; init; }

    public IReadOnlyList<NetworkTag?>? Tags { get; init; }
}

internal sealed record MemberResource(
    string Id, string Network, long Revision, DateTimeOffset Created, string? Name, bool Authorized, string AuthorizedBy, bool ActiveBridge,
    bool AssignsAddresses, IReadOnlyList<string> Addresses, string AddressState, IReadOnlyDictionary<uint, uint> Tags,
    IReadOnlyList<uint> Capabilities,
    string? Identity, string? Version, DateTimeOffset? LastAuthorized, DateTimeOffset? LastDeauthorized, bool Online,
    DateTimeOffset? LastSeen);

/// <summary>Changes of a member; missing properties are unchanged.</summary>
internal sealed record MemberPatch
{
    public string? Name { get; init; }

    public bool? Authorized { get; init; }

    public bool? ActiveBridge { get; init; }

    public bool? AssignsAddresses { get; init; }

    public IReadOnlyList<string>? Addresses { get; init; }

    public IReadOnlyDictionary<uint, uint>? Tags { get; init; }

    public IReadOnlyList<uint>? Capabilities { get; init; }
}

/// <summary>A join token, without the secret itself.</summary>
internal sealed record TokenResource(string Id, DateTimeOffset? Expires);

/// <summary>A new join token. The secret is returned only in this response.</summary>
internal sealed record NewTokenResource(string Id, string Token, DateTimeOffset? Expires);

internal sealed record TokenRequest(DateTimeOffset? Expires = null);

internal sealed record AuditResource(
    long Id, DateTimeOffset Time, string Actor, string Action, string Network, string? Member, string Detail);

/// <summary>An event. It only identifies the resource, whose current state must be read separately.</summary>
internal sealed record EventResource(DateTimeOffset Time, string? Network, string? Member = null, long? Revision = null);

/// <summary>An error in a rule text.</summary>
internal sealed record RuleErrorResource(int Line, int Column, string Message);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Page<NetworkResource>))]
[JsonSerializable(typeof(Page<MemberResource>))]
[JsonSerializable(typeof(Page<AuditResource>))]
[JsonSerializable(typeof(NetworkPatch))]
[JsonSerializable(typeof(RulesResource))]
[JsonSerializable(typeof(RulesChange))]
[JsonSerializable(typeof(MemberPatch))]
[JsonSerializable(typeof(IReadOnlyList<TokenResource>))]
[JsonSerializable(typeof(NewTokenResource))]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(EventResource))]
[JsonSerializable(typeof(IReadOnlyList<RuleErrorResource>))]
internal sealed partial class ResourceJson : JsonSerializerContext;
