using Kestrel.Transport.ZeroTier.Access;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>
/// Restricts who may open connections to an endpoint. Call these before <c>UseHttps</c>: a caller that is not allowed is then reset before
/// the TLS handshake.
/// </summary>
/// <remarks>
/// They apply in addition to <c>ZeroTier:AllowedNodes</c> and <c>ZeroTier:AllowedNetworks</c>, which hold for every endpoint. Connections
/// over ordinary sockets are refused. On libzt, which cannot prove the calling node, a list of nodes refuses every connection.
/// </remarks>
public static class ZeroTierListenOptionsExtensions
{
    /// <summary>Accepts connections from the given nodes only.</summary>
    /// <param name="options">The endpoint.</param>
    /// <param name="nodes">The nodes, one or more.</param>
    /// <exception cref="ArgumentException"><paramref name="nodes"/> is empty.</exception>
    public static ListenOptions RequireZeroTierNode(this ListenOptions options, params NodeId[] nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        return Require(options, nodes, [], nodes.Length, nameof(nodes));
    }

    /// <summary>Accepts connections over the given networks only.</summary>
    /// <param name="options">The endpoint.</param>
    /// <param name="networks">The networks, one or more.</param>
    /// <exception cref="ArgumentException"><paramref name="networks"/> is empty.</exception>
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
