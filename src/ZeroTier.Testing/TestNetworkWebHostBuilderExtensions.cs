using Kestrel.Transport.ZeroTier;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ZeroTier.Testing;
using ZeroTier.Testing.Hosting;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Adds web apps to a <see cref="TestNetwork"/>.</summary>
public static class TestNetworkWebHostBuilderExtensions
{
    /// <summary>
    /// Puts a web app on a test network: its ZeroTier endpoints are served there, and its URLs are not bound on this machine. Includes
    /// <c>UseZeroTier</c> and may come before or after it; an app without a ZeroTier endpoint gets one on port 80. Works with a
    /// <c>WebApplication</c>, and with a <c>WebApplicationFactory</c> after its <c>UseKestrel()</c> or <c>UseKestrel(options => …)</c>; not
    /// with <c>UseKestrel(port)</c>, which drops endpoints.
    /// </summary>
    /// <remarks>
    /// Settings that depend on the machine are ignored: planet, storage folder, UDP port, engine, <c>KeepHostUrls</c>. Endpoints that the
    /// app configures on Kestrel itself remain. Networks with a controller are replaced by networks of the test network, the same for every
    /// host.
    /// </remarks>
    /// <param name="hostBuilder">The web host.</param>
    /// <param name="network">The test network; the caller disposes it.</param>
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
