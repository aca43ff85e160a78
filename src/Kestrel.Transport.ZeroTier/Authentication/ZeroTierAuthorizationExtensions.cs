using Kestrel.Transport.ZeroTier;
using Kestrel.Transport.ZeroTier.Authentication;
using Microsoft.AspNetCore.Builder;
using ZeroTier;

namespace Microsoft.AspNetCore.Authorization;

/// <summary>
/// Policies by the calling node. They look at identities of ZeroTier authentication alone; combine them with the framework's for names and
/// roles.
/// </summary>
public static class ZeroTierAuthorizationExtensions
{
    /// <summary>Demands that the caller is one of some nodes.</summary>
    /// <param name="builder">The policy.</param>
    /// <param name="nodes">The nodes, one or more.</param>
    /// <exception cref="ArgumentException">There is no node.</exception>
    public static AuthorizationPolicyBuilder RequireZeroTierNode(this AuthorizationPolicyBuilder builder, params NodeId[] nodes) =>
        Require(builder, ZeroTierClaimTypes.Node, nodes, static node => node.ToString());

    /// <summary>Demands that the request comes over one of some networks.</summary>
    /// <param name="builder">The policy.</param>
    /// <param name="networks">The networks, one or more.</param>
    /// <exception cref="ArgumentException">There is no network.</exception>
    public static AuthorizationPolicyBuilder RequireZeroTierNetwork(this AuthorizationPolicyBuilder builder, params NetworkId[] networks) =>
        Require(builder, ZeroTierClaimTypes.Network, networks, static network => network.ToString());

    /// <summary>Demands that the controller of the network has given the caller a tag with one of some values.</summary>
    /// <param name="builder">The policy.</param>
    /// <param name="tag">The ID of the tag.</param>
    /// <param name="values">Its values, one or more.</param>
    /// <exception cref="ArgumentException">There is no value.</exception>
    public static AuthorizationPolicyBuilder RequireZeroTierTag(this AuthorizationPolicyBuilder builder, uint tag, params uint[] values) =>
        Require(builder, ZeroTierClaimTypes.Tag, values, value => ZeroTierClaimTypes.TagValue(tag, value));

    /// <summary>Demands that the caller of an endpoint is one of some nodes. Needs <c>AddAuthentication().AddZeroTier()</c>.</summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint.</param>
    /// <param name="nodes">The nodes, one or more.</param>
    /// <exception cref="ArgumentException">There is no node.</exception>
    public static TBuilder RequireZeroTierNode<TBuilder>(this TBuilder builder, params NodeId[] nodes)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(Policy().RequireZeroTierNode(nodes).Build());

    /// <summary>
    /// Demands that requests of an endpoint come over one of some networks. Needs <c>AddAuthentication().AddZeroTier()</c>.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint.</param>
    /// <param name="networks">The networks, one or more.</param>
    /// <exception cref="ArgumentException">There is no network.</exception>
    public static TBuilder RequireZeroTierNetwork<TBuilder>(this TBuilder builder, params NetworkId[] networks)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(Policy().RequireZeroTierNetwork(networks).Build());

    /// <summary>
    /// Demands that the controller of the network has given the caller of an endpoint a tag with one of some values. Needs
    /// <c>AddAuthentication().AddZeroTier()</c>.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint.</typeparam>
    /// <param name="builder">The endpoint.</param>
    /// <param name="tag">The ID of the tag.</param>
    /// <param name="values">Its values, one or more.</param>
    /// <exception cref="ArgumentException">There is no value.</exception>
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
