using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Configuration;
using ZeroTier.Hosting.Connections;
using ZeroTier.Hosting.Live;
using ZeroTier.Hosting.Node;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds a ZeroTier node to any host.</summary>
public static class ZeroTierServiceCollectionExtensions
{
    /// <summary>
    /// Adds a ZeroTier node that starts and stops with the host; if hosted services are not started, as in MAUI, it starts with the first
    /// connection. Registers <see cref="ZeroTierNode"/>, <see cref="ZeroTierHttpHandler"/> and <see cref="ZeroTierCertificate"/>. Web hosts
    /// use <c>UseZeroTier</c>, which includes this. May be called more than once: options add up.
    /// </summary>
    /// <param name="services">The services.</param>
    public static IServiceCollection AddZeroTier(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<ZeroTierNodeOptions>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<ZeroTierNodeOptions>, NodeOptionsBinder>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<ZeroTierNodeOptions>, NetworkDefaults>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ZeroTierNodeOptions>, NodeOptionsValidator>());
        options.ValidateOnStart();
        services.AddLogging();
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<INodeFactory, EngineFactory>();
        services.TryAddSingleton<NodeHost>();
        services.TryAddSingleton<ZeroTierNode>(static provider => provider.GetRequiredService<NodeHost>());
        services.TryAddSingleton<ZeroTierCertificate>();
        services.TryAddSingleton<NodeMetrics>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, NodeService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISettingsFollower, NetworksFollower>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISettingsFollower, HostsFollower>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISettingsFollower, CaptureFollower>());
        services.TryAddSingleton<SettingsWatch>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, SettingsWatch>(static provider => provider.GetRequiredService<SettingsWatch>()));
        services.TryAddSingleton<ClientConnections>();
        services.TryAddTransient(static provider => provider.GetRequiredService<ClientConnections>().CreateHandler());
        return services;
    }

    /// <summary>
    /// Adds a ZeroTier node that starts and stops with the host; if hosted services are not started, as in MAUI, it starts with the first
    /// connection. Registers <see cref="ZeroTierNode"/>, <see cref="ZeroTierHttpHandler"/> and <see cref="ZeroTierCertificate"/>. Web hosts
    /// use <c>UseZeroTier</c>, which includes this. May be called more than once: options add up.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options after the configuration section <c>ZeroTier</c> was read.</param>
    public static IServiceCollection AddZeroTier(this IServiceCollection services, Action<ZeroTierNodeOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddZeroTier();
        return services.Configure(configure);
    }
}
