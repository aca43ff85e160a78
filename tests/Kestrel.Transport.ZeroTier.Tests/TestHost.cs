using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>A web application on a fake network, and a second node that calls it.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private TestHost(WebApplication app, FakeNode server, FakeNode client, FakeNodeFactory factory, LogCollector logs)
    {
        App = app;
        Server = server;
        Client = client;
        Factory = factory;
        Logs = logs;
        Http = new HttpClient(new ZeroTierHttpHandler(client)) { Timeout = TimeSpan.FromSeconds(20) };
    }

    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(20);

    public WebApplication App { get; }

    public FakeNode Server { get; }

    public FakeNode Client { get; }

    public FakeNodeFactory Factory { get; }

    public LogCollector Logs { get; }

    public HttpClient Http { get; }

    public ListenerRegistry Listeners => App.Services.GetRequiredService<ListenerRegistry>();

    public ICollection<string> Addresses => App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;

    /// <summary>Builds without starting. Without endpoints in <paramref name="options"/>, port 8080 is served.</summary>
    public static TestHost Build(
        Action<ZeroTierOptions>? options = null,
        Action<WebApplicationBuilder>? builder = null,
        FakeNetwork? network = null,
        bool useZeroTier = true,
        string environment = "Production")
    {
        network ??= new FakeNetwork();
        var server = network.CreateNode();
        var client = network.CreateNode();
        _ = client.JoinAsync(network.Id);
        _ = client.StartAsync();
        client.SetReady(true);
        var factory = new FakeNodeFactory(server);
        var logs = new LogCollector();
        var web = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = environment, ApplicationName = "test" });
        web.Logging.AddProvider(logs).SetMinimumLevel(LogLevel.Debug);
        web.Services.AddRoutingCore();
        web.Services.AddSingleton<INodeFactory>(factory);
        if (useZeroTier)
        {
            web.WebHost.UseKestrelCore();
            web.WebHost.UseZeroTier(zt =>
            {
                zt.Networks.Add(network.Id.ToString());
                if (options is null)
                {
                    zt.Listen(8080);
                }

                options?.Invoke(zt);
            });
        }

        builder?.Invoke(web);
        var app = web.Build();
        app.MapGet("/", () => "hello");
        return new TestHost(app, server, client, factory, logs);
    }

    public static async Task<TestHost> StartAsync(
        Action<ZeroTierOptions>? options = null, Action<WebApplicationBuilder>? builder = null, FakeNetwork? network = null)
    {
        var host = Build(options, builder, network);
        await host.App.StartAsync().WaitAsync(Limit);
        return host;
    }

    public static async Task EventuallyAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail($"Did not happen: {what}");
            }

            await Task.Delay(10, CancellationToken.None);
        }
    }

    public Task<string> GetAsync(int port = 8080, string path = "/") => Http.GetStringAsync($"http://{Server.IPv4}:{port}{path}");

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Client.DisposeAsync();
        await App.DisposeAsync().AsTask().WaitAsync(Limit);
    }
}
