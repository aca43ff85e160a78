using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Controller.AspNetCore;
using ZeroTier.Controller.AspNetCore.Access;
using ZeroTier.Controller.AspNetCore.Hosting;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>A controller of ZeroTier networks in a host.</summary>
public static class ZeroTierControllerServiceCollectionExtensions
{
    /// <summary>
    /// Adds a controller of ZeroTier networks. The host's node carries it (<c>UseZeroTier</c>, <c>AddZeroTier</c>), with the managed engine, and its networks' IDs
    /// begin with the node's address. Gives <see cref="NetworkControllerHost"/>; the HTTP API is mapped by <c>MapZeroTierController</c>.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options; null for the defaults.</param>
    public static IServiceCollection AddZeroTierController(this IServiceCollection services, Action<ZeroTierControllerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<ZeroTierControllerOptions> options = services.AddOptions<ZeroTierControllerOptions>()
            .Validate(o => o.MaxRequestBodySize >= 1024, $"{nameof(ZeroTierControllerOptions.MaxRequestBodySize)} must be 1,024 bytes or more.")
            .Validate(
                o => o is { MaxUnauthorizedMembers: > 0, MaxMembersPerNetwork: > 0 },
                $"{nameof(ZeroTierControllerOptions.MaxUnauthorizedMembers)} and {nameof(ZeroTierControllerOptions.MaxMembersPerNetwork)} must be 1 or more.")
            .ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(static provider => new NetworkControllerHost(
            provider.GetRequiredService<IOptions<ZeroTierControllerOptions>>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILoggerFactory>()));
        services.TryAddSingleton<IControllerSource>(static provider => provider.GetRequiredService<NetworkControllerHost>());
        services.Configure<ZeroTierNodeOptions>(static node => node.CarriesController = true);
        services.TryAddSingleton<ApiToken>();
        services.TryAddSingleton<ApiGuard>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ControllerService>());
        return services;
    }
}
