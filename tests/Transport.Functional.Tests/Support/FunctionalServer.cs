using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Transport.Functional.Tests.Support;

/// <summary>Kestrel on the transport under test, with one handler.</summary>
internal sealed class FunctionalServer : IAsyncDisposable
{
    private readonly FunctionalTransport _transport;
    private readonly WebApplication _app;
    private bool _stopped;

    private FunctionalServer(FunctionalTransport transport, WebApplication app, LogCollector logs, CountingPool blocks)
    {
        _transport = transport;
        _app = app;
        Logs = logs;
        Blocks = blocks;
    }

    public LogCollector Logs { get; }

    /// <summary>The memory of the connections.</summary>
    public CountingPool Blocks { get; }

    public IServiceProvider Services => _app.Services;

    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.None, 0);

    /// <summary>The ids of the transport's connection events, in order.</summary>
    public int[] ConnectionEvents => Logs.EventsOf(_transport.LogCategory);

    /// <summary>Serves HTTP.</summary>
    public static Task<FunctionalServer> StartAsync(
        FunctionalTransport transport, RequestDelegate handler, Action<ServerOptions>? configure = null) =>
        StartAsync(transport, handler, null, configure);

    /// <summary>Serves bare connections, without HTTP.</summary>
    public static Task<FunctionalServer> StartRawAsync(
        FunctionalTransport transport, ConnectionDelegate handler, Action<ServerOptions>? configure = null) =>
        StartAsync(transport, _ => Task.CompletedTask, handler, configure);

    public Uri Url(string path = "/", string scheme = "http") => new($"{scheme}://{EndPoint}{path}");

    public HttpClient CreateClient(Action<SocketsHttpHandler>? configure = null, Version? version = null) =>
        new(_transport.CreateHandler(configure))
        {
            BaseAddress = Url(),
            Timeout = Wait.Limit,
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

    public async Task<RawConnection> ConnectAsync()
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        return await _transport.ConnectAsync(EndPoint, limit.Token);
    }

    /// <summary>Stops with a time limit; connections that are left are then aborted.</summary>
    public async Task StopAsync(TimeSpan timeout)
    {
        _stopped = true;
        using var limit = new CancellationTokenSource(timeout);
        await _app.StopAsync(limit.Token).WaitAsync(timeout + Wait.Limit, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopped)
        {
            await StopAsync(TimeSpan.FromSeconds(1));
        }

        await _app.DisposeAsync().AsTask().LimitedAsync();
    }

    private static async Task<FunctionalServer> StartAsync(
        FunctionalTransport transport, RequestDelegate handler, ConnectionDelegate? rawHandler, Action<ServerOptions>? configure)
    {
        var options = new ServerOptions();
        configure?.Invoke(options);
        var logs = new LogCollector();
        var blocks = new CountingPool();
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "functional" });
        builder.Logging.AddProvider(logs).SetMinimumLevel(LogLevel.Debug);
        builder.WebHost.UseKestrel(kestrel => options.Kestrel?.Invoke(kestrel));
        transport.Listen(builder.WebHost, options, listen =>
        {
            options.Listen?.Invoke(listen);
            if (rawHandler is not null)
            {
                listen.Run(context => rawHandler(context));
            }
        });

        // After Kestrel's own, which it would not give way to.
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(blocks);
        options.Builder?.Invoke(builder);
        var app = builder.Build();
        options.Pipeline?.Invoke(app);
        if (app is IEndpointRouteBuilder { DataSources.Count: 0 })
        {
            // Would come before endpoints that the pipeline has mapped.
            app.Run(handler);
        }

        var server = new FunctionalServer(transport, app, logs, blocks);
        try
        {
            await app.StartAsync().LimitedAsync();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        server.EndPoint = IPEndPoint.Parse(new Uri(Assert.Single(addresses)).Authority);
        return server;
    }
}
