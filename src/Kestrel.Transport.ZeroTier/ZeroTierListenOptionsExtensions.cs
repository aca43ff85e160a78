using Kestrel.Transport.ZeroTier.Access;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>
/// Who may open connections to an endpoint. Call these before <c>UseHttps</c>: a caller that is not allowed then gets a reset before any
/// byte of TLS.
/// </summary>
/// <remarks>
/// They come on top of <c>ZeroTier:AllowedNodes</c> and <c>ZeroTier:AllowedNetworks</c>, which hold for every endpoint. Connections over
/// ordinary sockets are refused, and on libzt, where nothing proves the node, a list of nodes refuses everybody.
/// </remarks>
public static class ZeroTierListenOptionsExtensions
{
    /// <summary>Refuses connections of all but some nodes.</summary>
    /// <param name="options">The endpoint.</param>
    /// <param name="nodes">The nodes, one or more.</param>
    /// <exception cref="ArgumentException">There is no node.</exception>
    public static ListenOptions RequireZeroTierNode(this ListenOptions options, params NodeId[] nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        return Require(options, nodes, [], nodes.Length, nameof(nodes));
    }

    /// <summary>Refuses connections that do not come over one of some networks.</summary>
    /// <param name="options">The endpoint.</param>
    /// <param name="networks">The networks, one or more.</param>
    /// <exception cref="ArgumentException">There is no network.</exception>
    public static ListenOptions RequireZeroTierNetwork(this ListenOptions options, params NetworkId[] networks)
    {
        ArgumentNullException.ThrowIfNull(networks);
        return Require(options, [], networks, networks.Length, nameof(networks));
    }

    private static ListenOptions Require(ListenOptions options, NodeId[] nodes, NetworkId[] networks, int count, string parameter)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (count == 0)
        {
            throw new ArgumentException("Name at least one, or nobody could call the endpoint.", parameter);
        }

        var access = options.ApplicationServices.GetService<AccessControl>()
            ?? throw new InvalidOperationException(
                "A list of nodes or networks needs a ZeroTier node: call UseZeroTier on the web host, for example "
                + "builder.WebHost.UseZeroTier().");
        var list = new AccessList();
        list.Replace(nodes, networks);
        options.Use(access.Middleware(list));
        return options;
    }
}
