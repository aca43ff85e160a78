using Kestrel.Transport.ZeroTier;
using Kestrel.Transport.ZeroTier.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Serving on ZeroTier networks.</summary>
public static class ZeroTierWebHostBuilderExtensions
{
    /// <summary>
    /// Lets Kestrel serve on ZeroTier networks. May be called before or after <c>UseKestrel</c>, and more than once: options add up. Other
    /// endpoints keep working through the sockets transport.
    /// </summary>
    /// <param name="hostBuilder">The web host.</param>
    public static IWebHostBuilder UseZeroTier(this IWebHostBuilder hostBuilder)
    {
        ArgumentNullException.ThrowIfNull(hostBuilder);
        return hostBuilder.ConfigureServices(services =>
        {
            services.AddZeroTierTransport();

            // UseSockets only adds its factory when there is none, so our factory alone would leave IP endpoints without a transport.
            // Adding both here gives the same result whether UseKestrel comes before or after (rule 3.1).
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, SocketTransportFactory>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, ListenerFactory>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<KestrelServerOptions>, KestrelEndpoints>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, HostUrls>());
        });
    }

    /// <summary>
    /// Lets Kestrel serve on ZeroTier networks. May be called before or after <c>UseKestrel</c>, and more than once: options add up. Other
    /// endpoints keep working through the sockets transport.
    /// </summary>
    /// <param name="hostBuilder">The web host.</param>
    /// <param name="configure">Changes the options after the configuration section <c>ZeroTier</c> was read.</param>
    public static IWebHostBuilder UseZeroTier(this IWebHostBuilder hostBuilder, Action<ZeroTierOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return hostBuilder.UseZeroTier().ConfigureServices(services => services.Configure(configure));
    }
}
