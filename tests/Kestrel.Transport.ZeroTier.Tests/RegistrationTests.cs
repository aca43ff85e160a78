using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Section 3 of the transport contract.</summary>
public class RegistrationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("UseKestrelCore", true)]
    [InlineData("UseKestrelCore", false)]
    [InlineData("UseKestrel", true)]
    [InlineData("UseKestrel", false)]
    [InlineData("UseSockets", true)]
    [InlineData("UseSockets", false)]
    public async Task Rule_3_1_Both_orders_serve_an_ip_and_a_zerotier_endpoint(string other, bool oursFirst)
    {
        int port = FreePort.Tcp();
        await using var host = TestHost.Build(useZeroTier: false, builder: web =>
        {
            void Ours() => web.WebHost.UseZeroTier(zt =>
            {
                zt.Networks.Add(FakeNetwork.DefaultId.ToString());
                zt.Listen(8080);
            });
            void Theirs() => _ = other switch
            {
                "UseKestrelCore" => web.WebHost.UseKestrelCore(),
                "UseKestrel" => web.WebHost.UseKestrel(),
                _ => web.WebHost.UseSockets().UseKestrelCore(),
            };
            if (oursFirst)
            {
                Ours();
                Theirs();
            }
            else
            {
                Theirs();
                Ours();
            }

            web.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        });
        await host.App.StartAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        using var sockets = new HttpClient();
        Assert.Equal("hello", await sockets.GetStringAsync($"http://127.0.0.1:{port}/", Cancel));
        Assert.Equal("hello", await host.GetAsync());
    }

    [Theory]
    [InlineData("CreateBuilder")]
    [InlineData("CreateSlimBuilder")]
    [InlineData("classic, ours last")]
    [InlineData("classic, ours first")]
    public async Task Rule_3_1_Every_kind_of_host_serves_an_ip_and_a_zerotier_endpoint(string kind)
    {
        var network = new FakeNetwork();
        var server = network.CreateNode();
        var client = network.CreateNode();
        await client.JoinAsync(network.Id, Cancel);
        await client.StartAsync(Cancel);
        int port = FreePort.Tcp();
        void Ours(IWebHostBuilder web) => web
            .UseZeroTier(zt =>
            {
                zt.Networks.Add(network.Id.ToString());
                zt.Listen(8080);
            })
            .ConfigureServices(services => services
                .AddSingleton<INodeFactory>(new FakeNodeFactory(server))
                .Configure<KestrelServerOptions>(kestrel => kestrel.Listen(IPAddress.Loopback, port)));
        IHost host;
        if (kind.StartsWith("classic", StringComparison.Ordinal))
        {
            host = Host.CreateDefaultBuilder().ConfigureLogging(logging => logging.ClearProviders()).ConfigureWebHost(web =>
            {
                if (kind.EndsWith("first", StringComparison.Ordinal))
                {
                    Ours(web);
                    web.UseKestrel();
                }
                else
                {
                    web.UseKestrel();
                    Ours(web);
                }

                web.Configure(app => app.Run(context => context.Response.WriteAsync("hello")));
            }).Build();
        }
        else
        {
            var builder = kind == "CreateBuilder" ? WebApplication.CreateBuilder() : WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            Ours(builder.WebHost);
            var app = builder.Build();
            app.Run(context => context.Response.WriteAsync("hello"));
            host = app;
        }

        using (host)
        {
            await host.StartAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
            using var sockets = new HttpClient();
            using var ours = new HttpClient(new ZeroTierHttpHandler(client));
            Assert.Equal("hello", await sockets.GetStringAsync($"http://127.0.0.1:{port}/", Cancel));
            Assert.Equal("hello", await ours.GetStringAsync($"http://{server.IPv4}:8080/", Cancel));
            await host.StopAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        }
    }

    [Fact]
    public void Rule_3_2_CanBind_is_true_for_zerotier_endpoints_only()
    {
        var host = TestHost.Build();
        var ours = host.App.Services.GetServices<IConnectionListenerFactory>().OfType<ListenerFactory>().Single();
        Assert.True(ours.CanBind(new ZeroTierEndPoint(FakeNetwork.DefaultId, 80)));
        Assert.False(ours.CanBind(new IPEndPoint(IPAddress.Any, 80)));
        Assert.False(ours.CanBind(new DnsEndPoint("localhost", 80)));
        Assert.Equal(0, host.Factory.Created);
    }

    [Fact]
    public async Task Rule_3_2_A_selectorless_transport_before_ours_leaves_our_endpoints_alone()
    {
        var greedy = new GreedyFactory();
        await using var host = TestHost.Build(
            builder: web => web.Services.Insert(0, ServiceDescriptor.Singleton<IConnectionListenerFactory>(greedy)));
        await host.App.StartAsync(Cancel);
        Assert.Equal("hello", await host.GetAsync());
        Assert.Empty(greedy.Bound);
    }

    [Fact]
    public async Task Rule_3_2_A_selectorless_transport_after_ours_takes_our_endpoints_and_health_says_so()
    {
        var greedy = new GreedyFactory();
        await using var host = TestHost.Build(builder: web =>
        {
            web.Services.AddSingleton<IConnectionListenerFactory>(greedy);
            web.Services.AddHealthChecks().AddZeroTier();
        });
        await host.App.StartAsync(Cancel);
        Assert.NotEmpty(greedy.Bound);
        var report = await host.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("IConnectionListenerFactorySelector", report.Entries["zerotier"].Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_3_3_Calling_twice_merges_options_and_starts_one_node()
    {
        await using var host = TestHost.Build(builder: web => web.WebHost.UseZeroTier(zt => zt.Listen(8081)));
        Assert.Single(host.App.Services.GetServices<IConnectionListenerFactory>().OfType<ListenerFactory>());
        Assert.Equal(2, host.App.Services.GetServices<IConnectionListenerFactory>().Count());
        await host.App.StartAsync(Cancel);
        Assert.Equal("hello", await host.GetAsync(8080));
        Assert.Equal("hello", await host.GetAsync(8081));
        Assert.Equal(1, host.Factory.Created);
        Assert.Equal(1, host.Server.Starts);
    }

    [Fact]
    public async Task Rule_3_3_A_network_that_is_named_twice_is_one_network()
    {
        string again = FakeNetwork.DefaultId.ToString().ToUpperInvariant();
        await using var host = await TestHost.StartAsync(
            zt => zt.Listen(8080), web => web.WebHost.UseZeroTier(zt => zt.Networks.Add(again)));
        Assert.Single(host.Listeners.Listeners);
        Assert.Equal("hello", await host.GetAsync());
    }

    [Fact]
    public async Task Subscription_opened_before_the_start_misses_nothing()
    {
        await using var host = TestHost.Build();
        using var events = host.App.Services.GetRequiredService<ZeroTierNode>().Subscribe();
        await host.App.StartAsync(Cancel);
        await foreach (var change in events.ReadAllAsync(Cancel))
        {
            if (change.Code == ZeroTierEventCode.NodeUp)
            {
                return;
            }
        }

        Assert.Fail("NodeUp never came.");
    }

    /// <summary>A transport that says nothing about what it can bind, which Kestrel takes for "anything".</summary>
    private sealed class GreedyFactory : IConnectionListenerFactory
    {
        public List<EndPoint> Bound { get; } = [];

        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            Bound.Add(endpoint);
            return new(new Silent(endpoint));
        }

        private sealed class Silent(EndPoint endPoint) : IConnectionListener
        {
            private readonly TaskCompletionSource<ConnectionContext?> _accept = new();

            public EndPoint EndPoint => endPoint;

            public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => new(_accept.Task);

            public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
            {
                _accept.TrySetResult(null);
                return ValueTask.CompletedTask;
            }

            public ValueTask DisposeAsync() => UnbindAsync();
        }
    }
}
