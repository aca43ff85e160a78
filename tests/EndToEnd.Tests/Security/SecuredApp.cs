using System.Collections.Concurrent;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Testing;

namespace EndToEnd.Tests.Security;

/// <summary>Kestrel on a network in memory, and everybody whom it believed to have called.</summary>
internal sealed class SecuredApp : IAsyncDisposable
{
    public const ushort Port = 8080;

    private SecuredApp(WebApplication app) => App = app;

    public WebApplication App { get; }

    public ZeroTierNode Node => App.Services.GetRequiredService<ZeroTierNode>();

    /// <summary>The node of each connection, as the feature said, and its inner address.</summary>
    public ConcurrentQueue<(NodeId? Node, string Address)> Callers { get; } = new();

    public static async Task<SecuredApp> StartAsync(
        TestNetwork network, NetworkId id, Action<KestrelServerOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        SecuredApp secured = null!;
        builder.WebHost.UseZeroTierTestNetwork(network).UseZeroTier(zt =>
        {
            zt.Networks.Add(id.ToString());
            zt.Listen(Port, listen => listen.Use(next => connection =>
            {
                var peer = connection.Features.Get<IZeroTierPeerFeature>()!;
                secured.Callers.Enqueue((peer.Node, ((System.Net.IPEndPoint)connection.RemoteEndPoint!).Address.ToString()));
                return next(connection);
            }));
        });
        builder.WebHost.ConfigureKestrel(options => configure?.Invoke(options));
        var app = builder.Build();
        app.MapGet("/", (HttpContext context) => $"[{context.GetZeroTierPeer()!.Node} {context.Request.Headers["X-Text"]}]");
        app.MapGet("/stream", async (HttpContext context) =>
        {
            byte[] block = new byte[64 * 1024];
            while (!(await context.Response.BodyWriter.WriteAsync(block, context.RequestAborted)).IsCompleted)
            {
            }
        });
        secured = new SecuredApp(app);
        await app.StartAsync(cancellationToken);
        await network.GetBaseAddressAsync(app.Services, cancellationToken);
        return secured;
    }

    /// <summary>How often the node dropped something for this reason.</summary>
    public long Dropped(string reason) => Node.GetStatistics().Dropped.GetValueOrDefault(reason);

    /// <summary>Waits until the node has dropped so many for this reason, and no more.</summary>
    public Task DroppedAsync(string reason, long count) =>
        EventuallyAsync(() => Dropped(reason) == count, () => $"{reason} is {Dropped(reason)}, not {count}");

    public static async Task EventuallyAsync(Func<bool> condition, Func<string> what)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 1200, what());
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await App.StopAsync(limit.Token);
        await App.DisposeAsync();
    }
}
