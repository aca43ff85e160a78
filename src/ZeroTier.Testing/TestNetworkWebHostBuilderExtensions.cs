using Kestrel.Transport.ZeroTier;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ZeroTier.Testing;
using ZeroTier.Testing.Hosting;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Web apps on a <see cref="TestNetwork"/>.</summary>
public static class TestNetworkWebHostBuilderExtensions
{
    /// <summary>
    /// Puts a web app on a test network: its ZeroTier endpoints are served there, and its URLs are not bound on this machine. Includes
    /// <c>UseZeroTier</c> and may come before or after it; an app without a ZeroTier endpoint gets one on port 80. Works with a
    /// <c>WebApplication</c>, and with a <c>WebApplicationFactory</c> after its <c>UseKestrel()</c> or <c>UseKestrel(options => …)</c>; not
    /// with <c>UseKestrel(port)</c>, which drops endpoints.
    /// </summary>
    /// <remarks>
    /// What ties the app to its machine is left out: planet, storage folder, UDP port, engine, <c>KeepHostUrls</c>. Endpoints that it
    /// configures on Kestrel itself stay. A network with a controller is replaced by one of the test network, the same for every host.
    /// </remarks>
    /// <param name="hostBuilder">The web host.</param>
    /// <param name="network">The network; it stays the caller's.</param>
    public static IWebHostBuilder UseZeroTierTestNetwork(this IWebHostBuilder hostBuilder, TestNetwork network)
    {
        ArgumentNullException.ThrowIfNull(hostBuilder);
        ArgumentNullException.ThrowIfNull(network);
        return hostBuilder.UseZeroTier().ConfigureServices(services =>
        {
            services.AddZeroTierTestNetwork(network);
            services.AddSingleton<IPostConfigureOptions<ZeroTierOptions>>(new TestServerOptions(network));
        });
    }
}
