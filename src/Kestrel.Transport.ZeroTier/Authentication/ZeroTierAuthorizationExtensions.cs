using Kestrel.Transport.ZeroTier;
using Kestrel.Transport.ZeroTier.Authentication;
using Microsoft.AspNetCore.Builder;
using ZeroTier;

namespace Microsoft.AspNetCore.Authorization;

/// <summary>
/// Authorization policies based on the calling node. They evaluate only identities of ZeroTier authentication; combine them with the
/// framework's requirements for names and roles.
/// </summary>
public static class ZeroTierAuthorizationExtensions
{
    /// <summary>Requires that the caller is one of the given nodes.</summary>
    /// <param name="builder">The policy.</param>
    /// <param name="nodes">The nodes, one or more.</param>
    /// <exception cref="ArgumentException"><paramref name="nodes"/> is empty.</exception>
    public static AuthorizationPolicyBuilder RequireZeroTierNode(this AuthorizationPolicyBuilder builder, params NodeId[] nodes) =>
        Require(builder, ZeroTierClaimTypes.Node, nodes, static node => node.ToString());

    /// <summary>Requires that the request came over one of the given networks.</summary>
    /// <param name="builder">The policy.</param>
    /// <param name="networks">The networks, one or more.</param>
    /// <exception cref="ArgumentException">There is no network.</exception>
    public static AuthorizationPolicyBuilder RequireZeroTierNetwork(this AuthorizationPolicyBuilder builder, params NetworkId[] networks) =>
        Require(builder, ZeroTierClaimTypes.Network, networks, static network => network.ToString());

    /// <summary>Requires that the network's controller has given the caller this tag with one of the given values.</summary>
    /// <param name="builder">The policy.</param>
    /// <param name="tag">The ID of the tag.</param>
    /// <param name="values">Its values, one or more.</param>
    /// <exception cref="ArgumentException"><paramref name="values"/> is empty.</exception>
    public static AuthorizationPolicyBuilder RequireZeroTierTag(this AuthorizationPolicyBuilder builder, uint tag, params uint[] values) =>
        Require(builder, ZeroTierClaimTypes.Tag, values, value => ZeroTierClaimTypes.TagValue(tag, value));

    /// <summary>
    /// Requires that the caller of an endpoint is one of the given nodes. Needs <c>AddAuthentication().AddZeroTier()</c>.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint.</param>
    /// <param name="nodes">The nodes, one or more.</param>
    /// <exception cref="ArgumentException"><paramref name="nodes"/> is empty.</exception>
    public static TBuilder RequireZeroTierNode<TBuilder>(this TBuilder builder, params NodeId[] nodes)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(Policy().RequireZeroTierNode(nodes).Build());

    /// <summary>
    /// Requires that requests to an endpoint come over one of the given networks. Needs <c>AddAuthentication().AddZeroTier()</c>.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint.</param>
    /// <param name="networks">The networks, one or more.</param>
    /// <exception cref="ArgumentException">There is no network.</exception>
    public static TBuilder RequireZeroTierNetwork<TBuilder>(this TBuilder builder, params NetworkId[] networks)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(Policy().RequireZeroTierNetwork(networks).Build());

    /// <summary>
    /// Requires that the network's controller has given the caller of an endpoint this tag with one of the given values. Needs
    /// <c>AddAuthentication().AddZeroTier()</c>.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint.</param>
    /// <param name="tag">The ID of the tag.</param>
    /// <param name="values">Its values, one or more.</param>
    /// <exception cref="ArgumentException"><paramref name="values"/> is empty.</exception>
    public static TBuilder RequireZeroTierTag<TBuilder>(this TBuilder builder, uint tag, params uint[] values)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(Policy().RequireZeroTierTag(tag, values).Build());

    private static AuthorizationPolicyBuilder Policy() => new(ZeroTierAuthenticationDefaults.AuthenticationScheme);

    private static AuthorizationPolicyBuilder Require<T>(AuthorizationPolicyBuilder builder, string type, T[] values, Func<T, string> text)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(values);
        return values.Length == 0
            ? throw new ArgumentException("Name at least one, or the policy would let nobody in.", nameof(values))
            : builder.AddRequirements(new PeerRequirement(type, [.. values.Select(text)]));
    }
}
