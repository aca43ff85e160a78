using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Controller.AspNetCore;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Metrics;
using ZeroTier.Controller.AspNetCore.Hosting;
using ZeroTier.Controller.AspNetCore.V1;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds a controller of ZeroTier networks to a host.</summary>
public static class ZeroTierControllerServiceCollectionExtensions
{
    /// <summary>
    /// Adds a controller of ZeroTier networks. It runs in the host's node (<c>UseZeroTier</c>, <c>AddZeroTier</c>), which uses the managed
    /// engine; the IDs of its networks begin with the node's address. It serves DNS names of members on networks with
    /// <see cref="ZeroTier.Controller.ControllerNetwork.ServesNames"/>. Registers <see cref="NetworkControllerHost"/>.
    /// <c>MapZeroTierController</c> maps the HTTP API; <c>Configure&lt;ZeroTierServiceOptions&gt;</c> configures access to it.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options; null for the defaults.</param>
    public static IServiceCollection AddZeroTierController(
        this IServiceCollection services, Action<ZeroTierControllerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<ZeroTierControllerOptions> options = services.AddOptions<ZeroTierControllerOptions>()
            .Validate(
                o => o is { MaxUnauthorizedMembers: > 0, MaxMembersPerNetwork: > 0 },
                $"{nameof(ZeroTierControllerOptions.MaxUnauthorizedMembers)} and {nameof(ZeroTierControllerOptions.MaxMembersPerNetwork)} "
                + "must be 1 or more.")
            .ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        // Problem details, events and the OpenAPI document are serialised with the app's JSON options.
        services.ConfigureHttpJsonOptions(static json => json.SerializerOptions.TypeInfoResolverChain.Add(ResourceJson.Default));
        services.TryAddSingleton(static provider => new NetworkControllerHost(
            provider.GetRequiredService<IOptions<ZeroTierControllerOptions>>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILoggerFactory>()));
        services.TryAddSingleton<IControllerSource>(static provider => provider.GetRequiredService<NetworkControllerHost>());
        services.Configure<ZeroTierNodeOptions>(static node => node.CarriesController = true);
        services.AddApiAccess();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IMetricsSource, ControllerMetrics>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ControllerService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, NameHost>());
        return services;
    }
}
