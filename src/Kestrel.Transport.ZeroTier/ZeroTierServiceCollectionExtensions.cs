using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>A ZeroTier node for any host.</summary>
public static class ZeroTierServiceCollectionExtensions
{
    /// <summary>
    /// Adds a ZeroTier node that starts and stops with the host, for programs that only call out; web hosts use <c>UseZeroTier</c>, which includes this.
    /// Gives <see cref="ZeroTierNode"/>, <see cref="ZeroTierHttpHandler"/> and <see cref="IConnectionFactory"/>. May be called more than once: options add up.
    /// </summary>
    /// <param name="services">The services.</param>
    public static IServiceCollection AddZeroTier(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<ZeroTierOptions>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<ZeroTierOptions>, ConfigurationSectionBinder>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<ZeroTierOptions>, NetworkDefaults>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ZeroTierOptions>, ZeroTierOptionsValidator>());
        options.ValidateOnStart();
        services.AddLogging();
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<INodeFactory, EngineFactory>();
        services.TryAddSingleton<NodeHost>();
        services.TryAddSingleton<ZeroTierNode>(static provider => provider.GetRequiredService<NodeHost>());
        services.TryAddSingleton<TransportResources>();
#pragma warning disable RS0030 // The one place where this assembly takes the system's randomness.
        services.TryAddSingleton(static provider => new ListenerRegistry(provider.GetRequiredService<IOptions<KestrelServerOptions>>(), Random.Shared));
#pragma warning restore RS0030
        services.TryAddSingleton<NodeMetrics>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, NodeService>());
        services.TryAddTransient(static provider =>
            new ZeroTierHttpHandler(provider.GetRequiredService<ZeroTierNode>(), provider.GetRequiredService<TransportResources>().Client));
        services.TryAddSingleton<IConnectionFactory, ConnectionFactory>();
        return services;
    }

    /// <summary>
    /// Adds a ZeroTier node that starts and stops with the host, for programs that only call out; web hosts use <c>UseZeroTier</c>, which includes this.
    /// Gives <see cref="ZeroTierNode"/>, <see cref="ZeroTierHttpHandler"/> and <see cref="IConnectionFactory"/>. May be called more than once: options add up.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options after the configuration section <c>ZeroTier</c> was read.</param>
    public static IServiceCollection AddZeroTier(this IServiceCollection services, Action<ZeroTierOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddZeroTier();
        return services.Configure(configure);
    }
}
