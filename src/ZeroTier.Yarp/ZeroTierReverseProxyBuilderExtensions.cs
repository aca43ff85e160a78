using Microsoft.Extensions.DependencyInjection.Extensions;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using ZeroTier.Yarp;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Configures a reverse proxy to members of ZeroTier networks.</summary>
public static class ZeroTierReverseProxyBuilderExtensions
{
    /// <summary>
    /// Sends requests and health probes for members of ZeroTier networks over the host's node, all others over sockets. Includes
    /// <c>AddZeroTier</c> for the host.
    /// </summary>
    /// <remarks>
    /// <para>
    /// A destination is a member if its host ends in <c>.zt</c>, is in <c>ZeroTier:Hosts</c>, or is an address or name of a network that
    /// the node has joined. A cluster's metadata overrides this for all of its destinations: <c>"ZeroTier": "true"</c> always uses the
    /// node, so that nothing is sent through the machine's sockets while a network is not ready; <c>"false"</c> always uses sockets.
    /// </para>
    /// <para>Replaces YARP's client factory, so <c>ConfigureHttpClient</c> has no effect: use the overload with a callback instead.</para>
    /// </remarks>
    /// <param name="builder">The reverse proxy, from <c>services.AddReverseProxy()</c>.</param>
    public static IReverseProxyBuilder UseZeroTier(this IReverseProxyBuilder builder) => builder.UseZeroTier(static (_, _) => { });

    /// <summary>
    /// Sends requests and health probes for members of ZeroTier networks over the host's node, all others over sockets. Includes
    /// <c>AddZeroTier</c> for the host. See <see cref="UseZeroTier(IReverseProxyBuilder)"/>.
    /// </summary>
    /// <param name="builder">The reverse proxy, from <c>services.AddReverseProxy()</c>.</param>
    /// <param name="configure">Configures the handler of a cluster, except its <see cref="SocketsHttpHandler.ConnectCallback"/>.</param>
    public static IReverseProxyBuilder UseZeroTier(
        this IReverseProxyBuilder builder, Action<ForwarderHttpClientContext, SocketsHttpHandler> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.AddZeroTier();
        builder.Services.RemoveAll<IForwarderHttpClientFactory>();
        builder.Services.AddSingleton<IForwarderHttpClientFactory>(
            provider => ActivatorUtilities.CreateInstance<ClientFactory>(provider, configure));
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IProxyConfigFilter, MetadataCheck>());
        return builder;
    }
}
