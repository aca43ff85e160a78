using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.ServiceDiscovery;
using ZeroTier.ServiceDiscovery;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Service discovery on ZeroTier networks.</summary>
public static class ZeroTierServiceDiscoveryExtensions
{
    /// <summary>
    /// Lets service discovery resolve members of ZeroTier networks: names in <c>ZeroTier:Hosts</c>, <c>NODE.NETWORK.zt</c> and
    /// <c>NODE.zt</c>, names in the networks' DNS, and names that apps announce on the development network. Includes
    /// <c>AddServiceDiscovery</c>, and <c>AddZeroTier</c> for the host.
    /// </summary>
    /// <remarks>
    /// Endpoints in the section <c>Services</c> take precedence. Names that do not resolve on these networks are left to the other
    /// providers. A change takes effect within five seconds. The HTTP clients must use the node, too:
    /// <c>services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery().AddZeroTier())</c>.
    /// </remarks>
    /// <param name="services">The services.</param>
    public static IServiceCollection AddZeroTierServiceDiscovery(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddZeroTier();

        // Added before ours, so that its provider for the section Services is asked first.
        services.AddServiceDiscovery();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceEndpointProviderFactory, MemberProviderFactory>());
        return services;
    }
}
