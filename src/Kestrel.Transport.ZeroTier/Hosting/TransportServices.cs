using Kestrel.Transport.ZeroTier.Health;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ZeroTier.Hosting.Live;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Registers what a web app needs in addition to the node: options that derive from the node's, endpoints, and connections in Kestrel's
/// form.
/// </summary>
internal static class TransportServices
{
    /// <summary>Adds the node and everything except the listener factory. May be called more than once.</summary>
    public static void AddZeroTierTransport(this IServiceCollection services)
    {
        services.AddZeroTier();

        // One options object is registered under both types, so that AddZeroTier and UseZeroTier configure the same object.
        services.AddOptions<ZeroTierOptions>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<ZeroTierOptions>, NodeOptionsOfServer>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<ZeroTierOptions>, NodeOptionsOfServer>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ZeroTierOptions>, NodeOptionsOfServer>());
        services.Replace(
            ServiceDescriptor.Singleton<IOptions<ZeroTierNodeOptions>>(
                static provider => provider.GetRequiredService<IOptions<ZeroTierOptions>>()));
        services.Replace(
            ServiceDescriptor.Singleton<IOptionsMonitor<ZeroTierNodeOptions>>(
                static provider => provider.GetRequiredService<IOptionsMonitor<ZeroTierOptions>>()));
        services.Replace(
            ServiceDescriptor.Scoped<IOptionsSnapshot<ZeroTierNodeOptions>>(
                static provider => provider.GetRequiredService<IOptionsSnapshot<ZeroTierOptions>>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<ZeroTierOptions>, ServerOptionsBinder>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ZeroTierOptions>, ServerOptionsValidator>());

        services.TryAddEnumerable(ServiceDescriptor.Singleton<INodeExclusion, TestServerExclusion>());
        services.TryAddSingleton<TransportResources>();
        services.TryAddSingleton<AccessControl>();
        services.TryAddSingleton<KestrelSection>();
        services.TryAddSingleton<CertificateUse>();
        services.TryAddSingleton<EndpointMetrics>();
        services.TryAddSingleton<ServingReport>();
        services.TryAddSingleton<IEndpointReport>(static provider => provider.GetRequiredService<ServingReport>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISettingsFollower, ServerSettingsFollower>());
#pragma warning disable RS0030 // The one place where this assembly takes the system's randomness.
        services.TryAddSingleton(
            static provider => new ListenerRegistry(provider.GetRequiredService<IOptions<KestrelServerOptions>>(), Random.Shared));
#pragma warning restore RS0030
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, EndpointService>());
        services.TryAddSingleton<IConnectionFactory, ConnectionFactory>();
    }
}
