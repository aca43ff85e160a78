using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.ServiceDiscovery;
using ZeroTier.ServiceDiscovery;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Service discovery on ZeroTier networks.</summary>
public static class ZeroTierServiceDiscoveryExtensions
{
    /// <summary>
    /// Lets service discovery find members of ZeroTier networks: by the names of <c>ZeroTier:Hosts</c>, <c>NODE.NETWORK.zt</c> and <c>NODE.zt</c>, names that the networks' own DNS
    /// knows, and those that apps announce on the development network. Includes <c>AddServiceDiscovery</c>, and <c>AddZeroTier</c> for the host.
    /// </summary>
    /// <remarks>
    /// Endpoints in the section <c>Services</c> come first. Names that mean nothing on these networks are left to the other providers. A change is seen within five seconds. The
    /// clients must be on the node, too: <c>services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery().AddZeroTier())</c>.
    /// </remarks>
    /// <param name="services">The services.</param>
    public static IServiceCollection AddZeroTierServiceDiscovery(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddZeroTier();

        // Before: its provider of the section Services is asked first then.
        services.AddServiceDiscovery();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceEndpointProviderFactory, MemberProviderFactory>());
        return services;
    }
}
