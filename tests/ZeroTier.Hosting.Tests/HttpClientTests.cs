using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;

namespace ZeroTier.Hosting.Tests;

public sealed class HttpClientTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Http_client_calls_a_server_on_the_network_and_is_known_there()
    {
        await using var universe = await Universe.StartAsync();
        using var host = universe.BuildCaller(
            services => services.AddHttpClient("server", client => client.BaseAddress = universe.Server).AddZeroTier());
        await host.StartAsync(Cancel);

        string caller = await Client(host).GetStringAsync("/", Cancel);

        Assert.Equal(host.Services.GetRequiredService<ZeroTierNode>().Id.ToString(), caller);
        await host.StopAsync(Cancel);
    }

    [Fact]
    public async Task Names_of_the_settings_and_short_names_lead_to_members_and_follow_the_configuration()
    {
        await using var universe = await Universe.StartAsync();
        var configuration = new ConfigurationManager();
        using var host = universe.BuildCaller(
            services => services.AddSingleton<IConfiguration>(configuration).AddHttpClient("server").AddZeroTier());
        await host.StartAsync(Cancel);
        var caller = host.Services.GetRequiredService<ZeroTierNode>();
        var server = universe.ServerId;
        string here = $"{caller.Id}";
        Assert.Equal(here, await Client(host).GetStringAsync($"http://{server}.zt/", Cancel));
        await Assert.ThrowsAsync<HttpRequestException>(() => Client(host).GetStringAsync("http://orders/", Cancel));

        string[] targets = [$"{server}", ZeroTierName.Of(server, caller.Networks[0].Id), universe.Server.Host.Trim('[', ']')];
        foreach (string target in targets)
        {
            configuration["ZeroTier:Hosts:Orders"] = target;
            ((IConfigurationRoot)configuration).Reload();
            for (int i = 0; ZeroTierName.Expand(caller, "orders") is var name && !name.StartsWith(target, StringComparison.Ordinal); i++)
            {
                Assert.True(i < 1500, $"orders stays {name}");
                await Task.Delay(20, Cancel);
            }

            Assert.Equal(here, await Client(host).GetStringAsync("http://orders/", Cancel));
        }

        await host.StopAsync(Cancel);
    }

    [Fact]
    public async Task Node_outlives_the_handlers_that_the_factory_makes()
    {
        await using var universe = await Universe.StartAsync();
        using var host = universe.BuildCaller(
            services => services.AddHttpClient("server", client => client.BaseAddress = universe.Server).AddZeroTier());
        await host.StartAsync(Cancel);
        var options = host.Services.GetRequiredService<IOptionsMonitor<Microsoft.Extensions.Http.HttpClientFactoryOptions>>().Get("server");
        var built = new Builder(host.Services);
        foreach (var action in options.HttpMessageHandlerBuilderActions)
        {
            action(built);
        }

        Assert.IsType<ZeroTierHttpHandler>(built.PrimaryHandler).Dispose();

        Assert.Equal(ZeroTierNodeState.Running, host.Services.GetRequiredService<ZeroTierNode>().State);
        Assert.Equal(HttpStatusCode.OK, (await Client(host).GetAsync("/", Cancel)).StatusCode);
    }

    [Fact]
    public async Task Node_starts_at_the_first_call_where_nobody_starts_the_host()
    {
        await using var universe = await Universe.StartAsync();
        using var host = universe.BuildCaller(
            services => services.AddHttpClient("server", client => client.BaseAddress = universe.Server).AddZeroTier());

        Assert.NotEmpty(await Client(host).GetStringAsync("/", Cancel));

        Assert.Equal(ZeroTierNodeState.Running, host.Services.GetRequiredService<ZeroTierNode>().State);
        await ((IAsyncDisposable)host).DisposeAsync();
    }

    [Fact]
    public async Task Connect_callback_serves_a_handler_of_ones_own()
    {
        await using var universe = await Universe.StartAsync();
        var node = await universe.Network.StartNodeAsync(Cancel);
        using var client = new HttpClient(new SocketsHttpHandler { ConnectCallback = node.ConnectCallback, UseProxy = false });

        Assert.Equal(node.Id.ToString(), await client.GetStringAsync(universe.Server, Cancel));
    }

    [Fact]
    public async Task Resilience_works_on_top()
    {
        int calls = 0;
        await using var universe = await Universe.StartAsync(context =>
        {
            context.Response.StatusCode = Interlocked.Increment(ref calls) < 3
                ? StatusCodes.Status503ServiceUnavailable
                : StatusCodes.Status200OK;
            return Task.CompletedTask;
        });
        using var host = universe.BuildCaller(services => services
            .AddHttpClient("server", client => client.BaseAddress = universe.Server)
            .AddZeroTier()
            .AddStandardResilienceHandler(options => options.Retry.Delay = TimeSpan.FromMilliseconds(1)));
        await host.StartAsync(Cancel);

        Assert.Equal(HttpStatusCode.OK, (await Client(host).GetAsync("/", Cancel)).StatusCode);
        Assert.Equal(3, calls);
    }

    [Fact]
    public async Task Resilience_tries_a_server_again_that_refused()
    {
        await using var universe = await Universe.StartAsync();
        var server = await universe.Network.StartNodeAsync(Cancel);
        var address = new UriBuilder(universe.Server) { Host = ZeroTierName.Of(server.Id, Testing.TestNetwork.Network), Port = 9 }.Uri;
        int attempts = 0;
        using var host = universe.BuildCaller(services => services
            .AddHttpClient("server", client => client.BaseAddress = address)
            .AddZeroTier()
            .AddStandardResilienceHandler(options =>
            {
                options.Retry.Delay = TimeSpan.FromMilliseconds(1);
                options.Retry.MaxRetryAttempts = 2;
                options.Retry.OnRetry = _ =>
                {
                    attempts++;
                    return default;
                };
            }));
        await host.StartAsync(Cancel);

        var error = await Assert.ThrowsAsync<HttpRequestException>(() => Client(host).GetAsync("/", Cancel));
        Assert.Equal(ZeroTierError.ConnectionRefused, Assert.IsType<ZeroTierException>(error.InnerException).Error);
        Assert.Equal(2, attempts);
    }

    private static HttpClient Client(IHost host) => host.Services.GetRequiredService<IHttpClientFactory>().CreateClient("server");

    /// <summary>
    /// Builds a handler as the factory does, so that the test can dispose of it as the factory would, some minutes later.
    /// </summary>
    private sealed class Builder(IServiceProvider services) : Microsoft.Extensions.Http.HttpMessageHandlerBuilder
    {
        public override IServiceProvider Services => services;

        public override string? Name { get; set; } = "server";

        public override HttpMessageHandler PrimaryHandler { get; set; } = new HttpClientHandler();

        public override IList<DelegatingHandler> AdditionalHandlers { get; } = [];

        public override HttpMessageHandler Build() => PrimaryHandler;
    }
}
