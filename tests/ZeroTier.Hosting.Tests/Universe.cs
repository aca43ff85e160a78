using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ZeroTier.Testing;

namespace ZeroTier.Hosting.Tests;

/// <summary>A private root in memory, a web app on a node of its own, and hosts of callers.</summary>
internal sealed class Universe : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Universe(TestNetwork network, WebApplication app, Uri server)
    {
        Network = network;
        _app = app;
        Server = server;
    }

    public TestNetwork Network { get; }

    /// <summary>Where the app is served.</summary>
    public Uri Server { get; }

    /// <summary>The app's node.</summary>
    public NodeId ServerId => _app.Services.GetRequiredService<ZeroTierNode>().Id;

    public static async Task<Universe> StartAsync(RequestDelegate? answer = null, Action<ZeroTierOptions>? configure = null)
    {
        var network = await TestNetwork.StartAsync(TestContext.Current.CancellationToken);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseZeroTierTestNetwork(network);
        builder.WebHost.UseZeroTier(configure ?? (_ => { }));
        var app = builder.Build();
        app.MapGet("/", answer ?? (context => context.Response.WriteAsync(context.GetZeroTierPeer()?.Node.ToString() ?? "nobody")));
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new Universe(network, app, await network.GetBaseAddressAsync(app.Services, TestContext.Current.CancellationToken));
    }

    /// <summary>A host of a worker, with a node of its own; not started.</summary>
    public IHost BuildCaller(Action<IServiceCollection> configure, Action<ZeroTierNodeOptions>? options = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.AddZeroTier(options ?? (_ => { })).Services.AddZeroTierTestNetwork(Network);
        configure(builder.Services);
        return builder.Build();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await Network.DisposeAsync();
    }
}
