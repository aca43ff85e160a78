using System.Collections.Immutable;
using System.Text.Json;

namespace ZeroTier.Controller;

/// <summary>
/// The controller's record of a network (docs/protocol/5-http-api.md 5.5.2). Immutable; each change creates a record with a higher
/// revision.
/// </summary>
/// <remarks>Equality of records compares arrays by reference; <see cref="ControllerJson"/> writes equal networks as equal text.</remarks>
public sealed record ControllerNetwork
{
    /// <summary>The smallest MTU, in bytes.</summary>
    public const int MinMtu = 1280;

    /// <summary>The largest MTU, in bytes.</summary>
    public const int MaxMtu = 10_000;

    /// <summary>
    /// The maximum number of entries of each list. Members get fewer: 1,024 rules, 128 capabilities of 64 rules, 128 tags, 128 routes, 32
    /// addresses, 4 DNS servers.
    /// </summary>
    public const int MaxEntries = 16_384;

    /// <summary>The certificate window of networks that do not set one.</summary>
    public static readonly TimeSpan DefaultCertificateWindow = TimeSpan.FromMinutes(30);

    /// <summary>The shortest certificate window.</summary>
    public static readonly TimeSpan MinCertificateWindow = TimeSpan.FromMinutes(5);

    /// <summary>The longest certificate window.</summary>
    public static readonly TimeSpan MaxCertificateWindow = TimeSpan.FromHours(2);

    /// <summary>The ID; its first ten digits are the controller's address.</summary>
    public required NetworkId Id { get; init; }

    /// <summary>The revision, from 1, incremented with each change. Set by the controller.</summary>
    public long Revision { get; init; } = 1;

    /// <summary>When the network was created. Set by the controller.</summary>
    public DateTimeOffset CreationTime { get; init; }

    /// <summary>The name; members see its first 127 bytes. Default: empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>Whether members must be authorised; if false, every node that requests to join is admitted. Default true.</summary>
    public bool IsPrivate { get; init; } = true;

    /// <summary>Whether broadcast frames are carried. Default true.</summary>
    public bool AllowsBroadcast { get; init; } = true;

    /// <summary>
    /// The maximum number of members that a multicast frame is sent to; 0 disables multicast, broadcast and ARP. Default 32.
    /// </summary>
    public ulong MulticastLimit { get; init; } = 32;

    /// <summary>The largest Ethernet payload in bytes, 1,280 to 10,000. Default 2,800.</summary>
    public int Mtu { get; init; } = 2800;

    /// <summary>Whether members get an IPv4 address from the pools. Default false.</summary>
    public bool AssignsIPv4 { get; init; }

    /// <summary>Which IPv6 addresses members get. Default: none.</summary>
    public IPv6Assignment IPv6Assignment { get; init; }

    /// <summary>The routes, in order.</summary>
    public ImmutableArray<NetworkRoute> Routes { get; init; } = [];

    /// <summary>The pools from which addresses are assigned to members, in order.</summary>
    public ImmutableArray<AddressPool> AddressPools { get; init; } = [];

    /// <summary>The DNS settings for members; null for none.</summary>
    public NetworkDnsSettings? Dns { get; init; }

    /// <summary>
    /// Whether the controller's node is a name server for the names of members in the domain of <see cref="Dns"/>, which must be a host
    /// name of at most 127 characters. It is listed before the servers there. Needs a <see cref="NameService"/>. Default false.
    /// </summary>
    public bool ServesNames { get; init; }

    /// <summary>The rules, in order. Default: a single rule that accepts everything.</summary>
    public ImmutableArray<NetworkRule> Rules { get; init; } = [NetworkRule.Accept];

    /// <summary>The capabilities that members can have, by ascending ID, without duplicates.</summary>
    public ImmutableArray<NetworkCapability> Capabilities { get; init; } = [];

    /// <summary>The tags that rules can match, by ascending ID, without duplicates.</summary>
    public ImmutableArray<NetworkTag> Tags { get; init; } = [];

    /// <summary>
    /// The join tokens, secrets that authorise any node that presents one, with the time at which each expires; null for never.
    /// </summary>
    public ImmutableSortedDictionary<string, DateTimeOffset?> JoinTokens { get; init; } =
        ImmutableSortedDictionary<string, DateTimeOffset?>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>The text from which the rules were compiled; not used by the controller.</summary>
    public string RulesSource { get; init; } = "";

    /// <summary>Whether members must have logged in.</summary>
    public bool RequiresLogin { get; init; }

    /// <summary>The URL of the login, for networks that require one; empty for none.</summary>
    public string AuthorizationEndpoint { get; init; } = "";

    /// <summary>The client ID at the login provider; stored for other programs.</summary>
    public string ClientId { get; init; } = "";

    /// <summary>
    /// By how much the timestamps of two members' certificates may differ. This limits how long a revoked member can still reach members
    /// that did not get the revocation. Clamped to 5 minutes to 2 hours. Default: null, which is 30 minutes.
    /// </summary>
    public TimeSpan? CertificateWindow { get; init; }

    /// <summary>The node ID that remote traces of members are sent to, ten characters; null for none.</summary>
    public string? RemoteTraceTarget { get; init; }

    /// <summary>The level of remote traces.</summary>
    public long RemoteTraceLevel { get; init; }

    /// <summary>Properties set by other programs, which are stored unchanged. Their names must differ from those of the HTTP API.</summary>
    public ImmutableSortedDictionary<string, JsonElement> Extensions { get; init; } =
        ImmutableSortedDictionary<string, JsonElement>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>The certificate window in effect.</summary>
    internal TimeSpan EffectiveCertificateWindow =>
        TimeSpan.FromTicks(
            Math.Clamp((CertificateWindow ?? DefaultCertificateWindow).Ticks, MinCertificateWindow.Ticks, MaxCertificateWindow.Ticks));
}
