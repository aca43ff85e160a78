using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <summary>
/// A member of a network, or a node that wants to be one, as the controller keeps it (docs/protocol/5-http-api.md 5.5.4). Immutable; a
/// change makes a new record of a higher revision.
/// </summary>
/// <remarks>Equality of records compares arrays by reference; <see cref="ControllerJson"/> writes equal members as equal text.</remarks>
public sealed record ControllerMember
{
    /// <summary>The network.</summary>
    public required NetworkId Network { get; init; }

    /// <summary>The node.</summary>
    public required NodeId Node { get; init; }

    /// <summary>Counts the changes, from 1 on. The controller's to set.</summary>
    public long Revision { get; init; } = 1;

    /// <summary>When the record was made. The controller's to set.</summary>
    public DateTimeOffset CreationTime { get; init; }

    /// <summary>A name for people; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>Whether the node is let in. Default false.</summary>
    public bool IsAuthorized { get; init; }

    /// <summary>Whether the node may send frames of others behind it. Default false.</summary>
    public bool IsActiveBridge { get; init; }

    /// <summary>Whether the node gets addresses by the rules of the network, besides those that are given here. Default true.</summary>
    public bool AssignsAddresses { get; init; } = true;

    /// <summary>
    /// The node's addresses; only those inside a route of the network are sent, with the route's prefix length. Addresses from pools are
    /// kept here, too.
    /// </summary>
    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    /// <summary>Values of tags, by ID.</summary>
    public ImmutableSortedDictionary<uint, uint> Tags { get; init; } = ImmutableSortedDictionary<uint, uint>.Empty;

    /// <summary>IDs of the capabilities that it holds.</summary>
    public ImmutableSortedSet<uint> Capabilities { get; init; } = [];

    /// <summary>
    /// The node's public identity; null until it has asked once. From then on no other identity of the same address is let in.
    /// </summary>
    public NodeIdentity? Identity { get; init; }

    /// <summary>When it was last authorised; null for never.</summary>
    public DateTimeOffset? LastAuthorizedTime { get; init; }

    /// <summary>When it was last put out; null for never.</summary>
    public DateTimeOffset? LastDeauthorizedTime { get; init; }

    /// <summary>By what it was last authorised.</summary>
    public AuthorizationSource AuthorizedBy { get; init; }

    /// <summary>The join token, where it was authorised by one.</summary>
    public string? AuthorizationToken { get; init; }

    /// <summary>The software of the node, as it says; null until it has asked as a member.</summary>
    public MemberVersion? Version { get; init; }

    /// <summary>Until when the login counts, on networks that require one; null for none.</summary>
    public DateTimeOffset? LoginExpiryTime { get; init; }

    /// <summary>Whether it needs no login on networks that require one.</summary>
    public bool IsLoginExempt { get; init; }

    /// <summary>Who gets traces of the member, ten characters; null for whom the network says.</summary>
    public string? RemoteTraceTarget { get; init; }

    /// <summary>How much is traced.</summary>
    public long RemoteTraceLevel { get; init; }

    /// <summary>Entries of other programs' making, which are kept as they are. Their names must not be those of the HTTP API.</summary>
    public ImmutableSortedDictionary<string, JsonElement> Extensions { get; init; } =
        ImmutableSortedDictionary<string, JsonElement>.Empty.WithComparers(StringComparer.Ordinal);
}
