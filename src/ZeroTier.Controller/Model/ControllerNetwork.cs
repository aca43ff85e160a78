using System.Collections.Immutable;
using System.Text.Json;

namespace ZeroTier.Controller;

/// <summary>
/// A network as its controller keeps it (docs/protocol/5-http-api.md 5.5.2). Immutable; a change makes a new record of a higher revision.
/// </summary>
/// <remarks>Equality of records compares arrays by reference; <see cref="ControllerJson"/> writes equal networks as equal text.</remarks>
public sealed record ControllerNetwork
{
    /// <summary>The smallest MTU, in bytes.</summary>
    public const int MinMtu = 1280;

    /// <summary>The largest MTU, in bytes.</summary>
    public const int MaxMtu = 10_000;

    /// <summary>
    /// Each list may have so many entries. Members get fewer: 1,024 rules, 128 capabilities of 64 rules, 128 tags, 128 routes, 32
    /// addresses, 4 DNS servers.
    /// </summary>
    public const int MaxEntries = 16_384;

    /// <summary>For how long credentials are good where a network does not say.</summary>
    public static readonly TimeSpan DefaultCertificateWindow = TimeSpan.FromMinutes(30);

    /// <summary>The shortest certificate window.</summary>
    public static readonly TimeSpan MinCertificateWindow = TimeSpan.FromMinutes(5);

    /// <summary>The longest certificate window.</summary>
    public static readonly TimeSpan MaxCertificateWindow = TimeSpan.FromHours(2);

    /// <summary>The ID; its first ten digits are the controller's address.</summary>
    public required NetworkId Id { get; init; }

    /// <summary>Counts the changes, from 1 on. The controller's to set.</summary>
    public long Revision { get; init; } = 1;

    /// <summary>When it was made. The controller's to set.</summary>
    public DateTimeOffset CreationTime { get; init; }

    /// <summary>The name; members see its first 127 bytes. Default: empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>Whether members must be authorised; else whoever asks is let in. Default true.</summary>
    public bool IsPrivate { get; init; } = true;

    /// <summary>Whether broadcast frames are carried. Default true.</summary>
    public bool AllowsBroadcast { get; init; } = true;

    /// <summary>
    /// To how many members a multicast frame is sent; 0 switches multicast, broadcast and IPv4's address resolution off. Default 32.
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

    /// <summary>Where addresses of members are taken from, in order.</summary>
    public ImmutableArray<AddressPool> AddressPools { get; init; } = [];

    /// <summary>Name servers for members; null for none.</summary>
    public NetworkDnsSettings? Dns { get; init; }

    /// <summary>
    /// Whether the controller's node answers for the names of members in the domain of <see cref="Dns"/>, which must be a host name of at
    /// most 127 characters, and stands before the servers there. Takes a <see cref="NameService"/>. Default false.
    /// </summary>
    public bool ServesNames { get; init; }

    /// <summary>The rules, in order. Default: one that accepts everything.</summary>
    public ImmutableArray<NetworkRule> Rules { get; init; } = [NetworkRule.Accept];

    /// <summary>Sets of rules that members may have besides, by rising ID, each once.</summary>
    public ImmutableArray<NetworkCapability> Capabilities { get; init; } = [];

    /// <summary>Tags that rules look at, by rising ID, each once.</summary>
    public ImmutableArray<NetworkTag> Tags { get; init; } = [];

    /// <summary>Secrets that let whoever presents one in, with the time until which each is good; null for ever.</summary>
    public ImmutableSortedDictionary<string, DateTimeOffset?> JoinTokens { get; init; } =
        ImmutableSortedDictionary<string, DateTimeOffset?>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>The text that the rules were made of; the controller does not look at it.</summary>
    public string RulesSource { get; init; } = "";

    /// <summary>Whether members must have logged in.</summary>
    public bool RequiresLogin { get; init; }

    /// <summary>Where to log in, for members that must; empty where there is none.</summary>
    public string AuthorizationEndpoint { get; init; } = "";

    /// <summary>The client ID of the login provider; kept for programs that use it.</summary>
    public string ClientId { get; init; } = "";

    /// <summary>
    /// By how much credentials of two members may differ in age: how long a member that is revoked while others are away can still reach
    /// them. Held between 5 minutes and 2 hours. Default: null, which is 30 minutes.
    /// </summary>
    public TimeSpan? CertificateWindow { get; init; }

    /// <summary>Who gets traces of members, ten characters; null for nobody.</summary>
    public string? RemoteTraceTarget { get; init; }

    /// <summary>How much is traced.</summary>
    public long RemoteTraceLevel { get; init; }

    /// <summary>Entries of other programs' making, which are kept as they are. Their names must not be those of the HTTP API.</summary>
    public ImmutableSortedDictionary<string, JsonElement> Extensions { get; init; } =
        ImmutableSortedDictionary<string, JsonElement>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>The window in force.</summary>
    internal TimeSpan EffectiveCertificateWindow =>
        TimeSpan.FromTicks(
            Math.Clamp((CertificateWindow ?? DefaultCertificateWindow).Ticks, MinCertificateWindow.Ticks, MaxCertificateWindow.Ticks));
}
