using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ZeroTier.Testing;

namespace WebApi.Tests;

/// <summary>The sample on a network in memory, and a client that calls it. Shared by the tests of a class.</summary>
public sealed class SampleApp : IAsyncLifetime
{
    private WebApplicationFactory<Program> _factory = null!;

    public TestNetwork Network { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    public IServiceProvider Services => _factory.Services;

    /// <summary>The sample, not started.</summary>
    public static WebApplicationFactory<Program> OnNetwork(TestNetwork network, Action<IWebHostBuilder>? configure = null) =>
        new Factory(web =>
        {
            web.UseZeroTierTestNetwork(network);
            configure?.Invoke(web);
        });

    private sealed class Factory(Action<IWebHostBuilder> configure) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder) => configure(builder);
    }

    /// <summary>The sample with an endpoint for HTTP/2 without TLS.</summary>
    public static WebApplicationFactory<Program> WithHttp2(TestNetwork network)
    {
        var factory = OnNetwork(network);
        factory.UseKestrel(options => options.ConfigureEndpointDefaults(listen => listen.Protocols = HttpProtocols.Http2));
        return factory;
    }

    public async ValueTask InitializeAsync()
    {
        Network = await TestNetwork.StartAsync();
        _factory = OnNetwork(Network);
        _factory.UseKestrel();
        Client = await Network.CreateClientAsync(_factory.Services);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _factory.DisposeAsync();
        await Network.DisposeAsync();
    }
}
