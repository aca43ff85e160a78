using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using ZeroTier.Service.AspNetCore;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the HTTP API of a host's ZeroTier node.</summary>
public static class ZeroTierServiceServiceCollectionExtensions
{
    /// <summary>
    /// Adds the services for an HTTP API of the host's ZeroTier node that is compatible with ZeroTierOne's; <c>MapZeroTierService</c> maps
    /// it. Also adds the node, unless it was added before (<c>UseZeroTier</c>, <c>AddZeroTier</c>).
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Configures access; null for the defaults.</param>
    public static IServiceCollection AddZeroTierService(this IServiceCollection services, Action<ZeroTierServiceOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddZeroTier();
        services.AddApiAccess();
        services.TryAddSingleton<ServiceMarker>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, TokenService>());
        return configure is null ? services : services.Configure(configure);
    }
}
