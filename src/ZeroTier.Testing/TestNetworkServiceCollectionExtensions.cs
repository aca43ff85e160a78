using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;
using ZeroTier.Testing;
using ZeroTier.Testing.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds hosts to a <see cref="TestNetwork"/>.</summary>
public static class TestNetworkServiceCollectionExtensions
{
    /// <summary>
    /// Puts a host's node on a test network. For programs that are clients only; web hosts use <c>UseZeroTierTestNetwork</c>. Includes
    /// <c>AddZeroTier</c> and may come before or after it. Settings that depend on the machine are ignored: planet, storage folder, UDP
    /// port, engine. Networks with a controller are replaced by networks of the test network, the same for every host.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="network">The test network; the caller disposes it.</param>
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
