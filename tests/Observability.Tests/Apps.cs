using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Observability.Tests;

/// <summary>A web application on a network in memory.</summary>
internal static class Apps
{
    public const int Port = 8080;

    public static async Task<WebApplication> StartAsync(
        TestNetwork network,
        Action<ZeroTierOptions>? options = null,
        Action<WebApplicationBuilder>? configure = null,
        Action<WebApplication>? map = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseZeroTier(zt =>
        {
            zt.Networks.Add(TestNetwork.Network.ToString());
            zt.Listen(Port);
            options?.Invoke(zt);
        });
        builder.WebHost.UseZeroTierTestNetwork(network);
        configure?.Invoke(builder);
        var app = builder.Build();
        app.MapGet("/", () => "hello");
        map?.Invoke(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        await app.Services.GetRequiredService<ZeroTierNode>().WaitForNetworkAsync(
            TestNetwork.Network, TestContext.Current.CancellationToken);
        return app;
    }
}
