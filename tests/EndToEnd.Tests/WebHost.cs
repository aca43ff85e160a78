using System.Net;
using System.Security.Cryptography;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;

namespace EndToEnd.Tests;

/// <summary>Kestrel on a node of its own, with the endpoints that the tests need.</summary>
internal sealed class WebHost : IAsyncDisposable
{
    public const int Port = 8080;

    private WebHost(WebApplication app, CountingPool pool, ObservedTime clock)
    {
        App = app;
        Pool = pool;
        Clock = clock;
    }

    public WebApplication App { get; }

    public CountingPool Pool { get; }

    public ObservedTime Clock { get; }

    public ZeroTierNode Node => App.Services.GetRequiredService<ZeroTierNode>();

    public IPAddress Address { get; private set; } = IPAddress.None;

    public static async Task<WebHost> StartAsync(
        LoopbackUniverse universe,
        Action<ListenOptions>? listen = null,
        Action<KestrelServerOptions>? kestrel = null,
        CancellationToken cancellationToken = default)
    {
        var pool = new CountingPool();
        var clock = new ObservedTime();
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "e2e" });
        builder.Services.AddRoutingCore().AddSingleton<TimeProvider>(clock);
        builder.Services.AddHealthChecks().AddZeroTier();
        builder.WebHost.UseKestrel().UseZeroTier(zt =>
        {
            zt.Networks.Add(LoopbackUniverse.Network.ToString());
            zt.PlanetPath = universe.PlanetPath;
            zt.StoragePath = universe.NewStorage();
            zt.RequireReadyWithin = TimeSpan.FromSeconds(30);
            zt.Listen(Port, endPoint => listen?.Invoke(endPoint));
        });
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Limits.MaxRequestBodySize = null;
            kestrel?.Invoke(options);
        });

        // After Kestrel's own, which it would not give way to.
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(pool);
        var app = builder.Build();
        app.UseWebSockets();
        app.MapHealthChecks("/healthz");
        app.MapGet("/", (HttpContext context) => $"{context.Request.Protocol} {context.GetZeroTierPeer()!.Node}");
        app.MapGet("/stream", StreamAsync);
        app.MapPost(
            "/upload", async (Stream body, CancellationToken aborted) => Convert.ToHexString(await SHA256.HashDataAsync(body, aborted)));
        app.MapPost("/sink", SinkAsync);
        app.MapGet("/ws", EchoAsync);
        var host = new WebHost(app, pool, clock);
        await app.StartAsync(cancellationToken);
        var network = await host.Node.WaitForNetworkAsync(LoopbackUniverse.Network, cancellationToken);
        host.Address = network.Addresses[0].Address;
        return host;
    }

    public Uri Url(string path, string scheme = "http") => new($"{scheme}://{new IPEndPoint(Address, Port)}{path}");

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await App.StopAsync(limit.Token);
        await App.DisposeAsync();
    }

    /// <summary>Bytes of a fixed pattern, so that both ends can hash them.</summary>
    public static void Fill(Span<byte> span, long offset)
    {
        for (int i = 0; i < span.Length; i++)
        {
            span[i] = (byte)((offset + i) * 31 >> 3);
        }
    }

    private static async Task StreamAsync(HttpContext context)
    {
        long bytes = long.Parse(context.Request.Query["bytes"]!, System.Globalization.CultureInfo.InvariantCulture);
        context.Response.ContentLength = bytes;
        var writer = context.Response.BodyWriter;
        for (long sent = 0; sent < bytes;)
        {
            var memory = writer.GetMemory();
            int length = (int)Math.Min(memory.Length, bytes - sent);
            Fill(memory.Span[..length], sent);
            writer.Advance(length);
            sent += length;
            if ((await writer.FlushAsync(context.RequestAborted)).IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Reads to the end; gives up, with a reset, when nothing comes for two seconds.</summary>
    private static async Task SinkAsync(HttpContext context)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        byte[] buffer = new byte[64 * 1024];
        try
        {
            do
            {
                silence.CancelAfter(TimeSpan.FromSeconds(2));
            }
            while (await context.Request.Body.ReadAsync(buffer, silence.Token) > 0);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[4096];
        while (await socket.ReceiveAsync(
            buffer.AsMemory(), context.RequestAborted) is { MessageType: not System.Net.WebSockets.WebSocketMessageType.Close } received)
        {
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }

        await socket.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }
}
