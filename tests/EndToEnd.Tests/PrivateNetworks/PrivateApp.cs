using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZeroTier;

namespace EndToEnd.Tests.PrivateNetworks;

/// <summary>Kestrel on a private network; its endpoints are on the network, not on one address.</summary>
internal sealed class PrivateApp : IAsyncDisposable
{
    public const int Port = 8080;

    /// <summary>HTTP/2 only.</summary>
    public const int Http2Port = 8081;

    private readonly WebApplication _app;
    private readonly NetworkId _network;

    private PrivateApp(WebApplication app, NetworkId network)
    {
        _app = app;
        _network = network;
    }

    public ZeroTierNode Node => _app.Services.GetRequiredService<ZeroTierNode>();

    /// <summary>Why WebSockets ended that their clients did not close.</summary>
    public ConcurrentQueue<Exception> Broken { get; } = new();

    /// <summary>Starts the app; nobody has authorised it yet.</summary>
    public static async Task<PrivateApp> StartAsync(PrivateNetwork network, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "e2e" });
        builder.Services.AddRoutingCore();
        builder.Services.AddHealthChecks().AddZeroTier();
        builder.WebHost.UseKestrel().UseZeroTier(zt =>
        {
            zt.Networks.Add(network.Id.ToString());
            zt.PlanetPath = network.PlanetPath;
            zt.StoragePath = ":memory:";
            zt.IdentitySecret = TestIdentities.Text(network.NewIdentity());
            zt.Listen(Port);
            zt.Listen(Http2Port, endPoint => endPoint.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        var started = new PrivateApp(app, network.Id);
        app.UseWebSockets();
        app.MapGet("/", (HttpContext context) => $"{context.Request.Protocol} {context.GetZeroTierPeer()!.Node}");
        app.MapGet("/ws", started.EchoAsync);
        await app.StartAsync(cancellationToken);
        return started;
    }

    /// <summary>Whether callers are served, as an orchestrator would ask.</summary>
    public async Task<HealthReport> CheckReadyAsync(CancellationToken cancellationToken) =>
        await _app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(
            check => check.Tags.Contains("ready"), cancellationToken);

    public ZeroTierNetwork Network => Node.Networks.Single(n => n.Id == _network);

    public IPAddress AddressOf(AddressFamily family) => Network.Addresses.Select(a => a.Address).First(a => a.AddressFamily == family);

    public Uri Url(AddressFamily family, string path = "/", int port = Port, string scheme = "http") =>
        Url(AddressOf(family), path, port, scheme);

    public static Uri Url(IPAddress address, string path = "/", int port = Port, string scheme = "http") =>
        new($"{scheme}://{new IPEndPoint(address, port)}{path}");

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }

    private async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(
                buffer.AsMemory(), CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } received)
            {
                await socket.SendAsync(
                    buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, CancellationToken.None);
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }
        catch (WebSocketException e)
        {
            Broken.Enqueue(e);
        }
    }
}
