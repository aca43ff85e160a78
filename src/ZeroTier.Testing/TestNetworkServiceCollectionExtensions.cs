using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;
using ZeroTier.Testing;
using ZeroTier.Testing.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Hosts on a <see cref="TestNetwork"/>.</summary>
public static class TestNetworkServiceCollectionExtensions
{
    /// <summary>
    /// Puts a host's node on a test network, for programs that only call out; web hosts use <c>UseZeroTierTestNetwork</c>. Includes
    /// <c>AddZeroTier</c> and may come before or after it. What ties the node to its machine is left out: planet, storage folder, UDP port,
    /// engine. A network with a controller is replaced by one of the test network, the same for every host.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="network">The network; it stays the caller's.</param>
    public static IServiceCollection AddZeroTierTestNetwork(this IServiceCollection services, TestNetwork network)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(network);
        services.AddZeroTier();
        services.AddSingleton(network);
        services.Replace(ServiceDescriptor.Singleton<INodeFactory, TestNodeFactory>());
        services.AddSingleton<IPostConfigureOptions<ZeroTierNodeOptions>>(new TestNodeOptions(network));
        return services;
    }
}
