using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <summary>
/// The controller's record of a member of a network, or of a node that requested to join (docs/protocol/5-http-api.md 5.5.4). Immutable;
/// each change creates a record with a higher revision.
/// </summary>
/// <remarks>Equality of records compares arrays by reference; <see cref="ControllerJson"/> writes equal members as equal text.</remarks>
public sealed record ControllerMember
{
    /// <summary>The network.</summary>
    public required NetworkId Network { get; init; }

    /// <summary>The node.</summary>
    public required NodeId Node { get; init; }

    /// <summary>The revision, from 1, incremented with each change. Set by the controller.</summary>
    public long Revision { get; init; } = 1;

    /// <summary>When the record was created. Set by the controller.</summary>
    public DateTimeOffset CreationTime { get; init; }

    /// <summary>A name for people; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>Whether the node is authorised. Default false.</summary>
    public bool IsAuthorized { get; init; }

    /// <summary>Whether the node is an active bridge: it may send frames on behalf of other MAC addresses. Default false.</summary>
    public bool IsActiveBridge { get; init; }

    /// <summary>
    /// Whether the node gets addresses automatically, according to the network's settings, in addition to <see cref="Addresses"/>. Default
    /// true.
    /// </summary>
    public bool AssignsAddresses { get; init; } = true;

    /// <summary>
    /// The node's addresses; only those inside a route of the network are sent to it, with the route's prefix length. Addresses assigned
    /// from pools are stored here, too.
    /// </summary>
    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    /// <summary>The values of tags, by tag ID.</summary>
    public ImmutableSortedDictionary<uint, uint> Tags { get; init; } = ImmutableSortedDictionary<uint, uint>.Empty;

    /// <summary>The IDs of its capabilities.</summary>
    public ImmutableSortedSet<uint> Capabilities { get; init; } = [];

    /// <summary>
    /// The node's public identity; null until its first request. After that, requests with another identity of the same address are
    /// refused.
    /// </summary>
    public NodeIdentity? Identity { get; init; }

    /// <summary>When it was last authorised; null for never.</summary>
    public DateTimeOffset? LastAuthorizedTime { get; init; }

    /// <summary>When it was last deauthorised; null for never.</summary>
    public DateTimeOffset? LastDeauthorizedTime { get; init; }

    /// <summary>How it was last authorised.</summary>
    public AuthorizationSource AuthorizedBy { get; init; }

    /// <summary>The join token by which it was authorised; else null.</summary>
    public string? AuthorizationToken { get; init; }

    /// <summary>The node's software version, as reported by it; null until its first request as an authorised member.</summary>
    public MemberVersion? Version { get; init; }

    /// <summary>When the login expires, on networks that require one; null for none.</summary>
    public DateTimeOffset? LoginExpiryTime { get; init; }

    /// <summary>Whether it is exempt from login on networks that require one.</summary>
    public bool IsLoginExempt { get; init; }

    /// <summary>The node ID that remote traces of the member are sent to, ten characters; null for the network's setting.</summary>
    public string? RemoteTraceTarget { get; init; }

    /// <summary>The level of remote traces.</summary>
    public long RemoteTraceLevel { get; init; }

    /// <summary>Properties set by other programs, which are stored unchanged. Their names must differ from those of the HTTP API.</summary>
    public ImmutableSortedDictionary<string, JsonElement> Extensions { get; init; } =
        ImmutableSortedDictionary<string, JsonElement>.Empty.WithComparers(StringComparer.Ordinal);
}
