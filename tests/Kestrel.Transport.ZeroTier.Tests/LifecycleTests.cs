using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Section 8 of the transport contract.</summary>
public class LifecycleTests
{
    public enum HostKind
    {
        WebApplication,
        Classic,
        ClassicWithOursLast,
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HostKind.WebApplication)]
    [InlineData(HostKind.Classic)]
    [InlineData(HostKind.ClassicWithOursLast)]
    public async Task Rule_8_2_A_response_in_flight_at_stop_arrives_whole(HostKind kind)
    {
        var network = new FakeNetwork();
        var client = network.CreateNode();
        await client.JoinAsync(network.Id, Cancel);
        await client.StartAsync(Cancel);
        var server = network.CreateNode();
        var factory = new FakeNodeFactory(server);
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        RequestDelegate handler = async context =>
        {
            await context.Response.WriteAsync("first ");
            await context.Response.Body.FlushAsync();
            started.SetResult();
            await release.Task;
            await context.Response.WriteAsync("second");
        };
        using IHost host = BuildHost(kind, factory, handler);
        await host.StartAsync(Cancel);
        using var http = new HttpClient(new ZeroTierHttpHandler(client));
        var response = http.GetStringAsync($"http://{server.IPv4}:8080/", Cancel);
        await started.Task.WaitAsync(TestHost.Limit, Cancel);
        var stop = host.StopAsync(Cancel);
        await TestHost.EventuallyAsync(() => server.Listeners.Count == 0, "unbound");
        Assert.Equal(ZeroTierNodeState.Running, server.State);
        release.SetResult();
        Assert.Equal("first second", await response.WaitAsync(TestHost.Limit, Cancel));
        await stop.WaitAsync(TestHost.Limit, Cancel);
        Assert.True(server.Drained);
        Assert.Equal(ZeroTierNodeState.Disposed, server.State);
        Assert.Equal(1, factory.Backing.Disposals);
        Assert.Equal(ZeroTierNodeState.Disposed, factory.Backing.NodeAtDisposal);
    }

    [Theory]
    [InlineData(HostKind.WebApplication)]
    [InlineData(HostKind.Classic)]
    [InlineData(HostKind.ClassicWithOursLast)]
    public async Task Rule_8_2_A_start_that_fails_releases_everything(HostKind kind)
    {
        var network = new FakeNetwork();
        var server = network.CreateNode();
        var factory = new FakeNodeFactory(server);
        IHost host = BuildHost(kind, factory, _ => Task.CompletedTask, 8080);
        await Assert.ThrowsAsync<IOException>(() => host.StartAsync(Cancel));
        await ((IAsyncDisposable)host).DisposeAsync();
        Assert.Equal(ZeroTierNodeState.Disposed, server.State);
        Assert.False(server.Drained);
        Assert.Empty(server.Listeners);
        Assert.Equal(1, factory.Backing.Disposals);
    }

    [Theory]
    [InlineData(ZeroTierNetworkStatus.NotSupported)]
    [InlineData(ZeroTierNetworkStatus.NotFound)]
    public async Task A_network_that_the_engine_cannot_join_fails_the_start_with_the_setting(ZeroTierNetworkStatus status)
    {
        await using var host = TestHost.Build(network: new FakeNetwork { ReadyOnJoin = false });
        host.Server.NotReadyStatus = status;
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => host.App.StartAsync(Cancel).WaitAsync(TestHost.Limit, Cancel));
        Assert.Contains($"ZeroTier:Networks holds '{FakeNetwork.DefaultId}'", error.Message, StringComparison.Ordinal);
        Assert.Equal(ZeroTierNodeState.Disposed, host.Server.State);
        Assert.DoesNotContain(host.Logs.Lines, line => line.Text.Contains("Now listening", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_switched_off_leaves_the_app_as_without_it()
    {
        string url = $"http://127.0.0.1:{FreePort.Tcp()}";
        await using var host = await TestHost.StartAsync(
            zt =>
            {
                zt.Enabled = false;
                zt.Listen(8080);
            },
            web =>
            {
                web.WebHost.UseUrls(url);
                web.Services.AddHealthChecks().AddZeroTier();
            });
        using var http = new HttpClient();
        Assert.Equal("hello", await http.GetStringAsync(url, Cancel));
        Assert.Equal([url], host.Addresses);
        Assert.Equal(0, host.Factory.Created);
        Assert.Single(host.Logs.Lines, line => line.Event.Name == "NodeLeftOut");
        Assert.Empty(host.Logs.AtLeast(LogLevel.Warning));
        var report = await host.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel);
        Assert.Equal(HealthStatus.Healthy, report.Status);
        Assert.Contains("ZeroTier:Enabled", report.Entries["zerotier"].Description, StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<ZeroTierException>(
            () => host.App.Services.GetRequiredService<ZeroTierNode>().WaitForOnlineAsync(Cancel));
        Assert.Contains("ZeroTier:Enabled", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_section_that_is_nearly_ours_is_named_in_the_log()
    {
        await using var host = await TestHost.StartAsync(
            builder: web => web.Configuration.AddInMemoryCollection(
                [KeyValuePair.Create("ZeroTeir:PlanetPath", (string?)"/etc/myapp/planet")]));
        Assert.Contains(
            "'ZeroTeir'",
            Assert.Single(host.Logs.AtLeast(LogLevel.Warning), line => line.Event.Name == "SectionMisspelt").Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_8_1_A_host_without_kestrel_runs_a_node()
    {
        var node = new FakeNetwork().CreateNode();
        var factory = new FakeNodeFactory(node);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<INodeFactory>(factory);
        builder.Services.AddZeroTier(zt => zt.Networks.Add(FakeNetwork.DefaultId.ToString()));
        using var host = builder.Build();
        var early = host.Services.GetRequiredService<ZeroTierNode>();
        Assert.Equal(ZeroTierNodeState.Stopped, early.State);
        Assert.Equal(ZeroTierError.NotRunning, Assert.Throws<ZeroTierException>(() => early.Id).Error);
        await host.StartAsync(Cancel);
        Assert.Equal(node.KnownId, early.Id);
        Assert.NotNull(host.Services.GetRequiredService<ZeroTierHttpHandler>());
        await host.StopAsync(Cancel);
        Assert.Equal(ZeroTierNodeState.Disposed, node.State);
        Assert.Equal(1, factory.Backing.Disposals);
    }

    [Fact]
    public async Task Rule_8_1_A_node_that_cannot_start_fails_the_host_and_is_released()
    {
        await using var host = TestHost.Build();
        host.Server.StartFailure = new ZeroTierException(ZeroTierError.Storage, "The folder is used by another node.");
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => host.App.StartAsync(Cancel));
        Assert.Equal(ZeroTierError.Storage, error.Error);
        Assert.Equal(ZeroTierNodeState.Disposed, host.Server.State);
        Assert.Equal(1, host.Factory.Backing.Disposals);

        // The failure is not kept: who asks again gets another attempt.
        await Assert.ThrowsAnyAsync<Exception>(() => host.App.Services.GetRequiredService<NodeHost>().EnsureStartedAsync(Cancel));
        Assert.Equal(2, host.Factory.Created);
    }

    [Theory]
    [InlineData(ZeroTierError.Storage, "ZeroTier:StoragePath")]
    [InlineData(ZeroTierError.Underlay, "ZeroTier:Port")]
    public async Task A_start_that_fails_names_the_setting_of_the_host(ZeroTierError error, string setting)
    {
        await using var host = TestHost.Build();
        host.Server.StartFailure = new ZeroTierException(error, "It is used by another node.");
        var seen = await Assert.ThrowsAsync<ZeroTierException>(() => host.App.StartAsync(Cancel));
        Assert.Equal(error, seen.Error);
        Assert.Contains(setting, seen.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_stays_offline_is_in_the_log(bool online)
    {
        await using var host = TestHost.Build(builder: web => web.Services.AddSingleton<TimeProvider>(ObservedTime.Hurried));
        host.Server.Online = online;
        await host.App.StartAsync(Cancel);
        if (online)
        {
            Assert.Equal("hello", await host.GetAsync());
            Assert.DoesNotContain(host.Logs.Lines, line => line.Event.Name == "NotOnline");
        }
        else
        {
            await TestHost.EventuallyAsync(
                () => host.Logs.Lines.Any(line => line.Event.Name == "NotOnline" && line.Level == LogLevel.Warning), "warned");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_web_host_without_a_ZeroTier_endpoint_is_in_the_log(bool listens)
    {
        await using var host = await TestHost.StartAsync(
            zt =>
            {
                if (listens)
                {
                    zt.Listen(8080);
                }
            },
            web => web.WebHost.UseUrls("http://127.0.0.1:0"));
        Assert.Equal(!listens, host.Logs.Lines.Any(line => line.Event.Name == "NoEndPoint"));
    }

    [Fact]
    public async Task A_subscription_made_before_the_start_counts_what_it_drops()
    {
        await using var host = TestHost.Build();
        using var subscription = host.App.Services.GetRequiredService<ZeroTierNode>().Subscribe(capacity: 1);
        Assert.Equal(0, subscription.Dropped);
        await host.App.StartAsync(Cancel);
        host.Server.SetOnline(false);
        host.Server.SetOnline(true);
        Assert.True(subscription.Dropped > 0);
    }

    [Fact]
    public async Task A_subscription_made_before_the_start_ends_with_a_host_that_never_starts()
    {
        await using var host = TestHost.Build();
        using var subscription = host.App.Services.GetRequiredService<ZeroTierNode>().Subscribe();
        var reading = ReadAsync();
        Assert.False(reading.IsCompleted);
        await host.App.DisposeAsync();
        await reading.WaitAsync(TestHost.Limit, Cancel);

        async Task ReadAsync()
        {
            await foreach (var _ in subscription.ReadAllAsync(Cancel))
            {
            }
        }
    }

    [Fact]
    public async Task A_subscription_made_after_the_end_ends_at_once()
    {
        await using var host = await TestHost.StartAsync();
        var node = host.App.Services.GetRequiredService<NodeHost>();
        await host.App.DisposeAsync();
        using var subscription = node.Subscribe();
        var reading = Task.Run(async () => Assert.Empty(await subscription.ReadAllAsync(Cancel).ToListAsync(Cancel)), Cancel);
        await reading.WaitAsync(TestHost.Limit, Cancel);
    }

    [Fact]
    public async Task Joins_and_leaves_before_the_start_happen_with_it()
    {
        await using var host = TestHost.Build();
        var node = host.App.Services.GetRequiredService<ZeroTierNode>();
        var more = NetworkId.AdHoc(0, ushort.MaxValue);
        await node.LeaveAsync(more, Cancel);
        await node.JoinAsync(more, Cancel);
        await host.App.StartAsync(Cancel);
        Assert.Equal([FakeNetwork.DefaultId, more], node.Networks.Select(network => network.Id));

        await node.LeaveAsync(more, Cancel);
        Assert.Equal([FakeNetwork.DefaultId], node.Networks.Select(network => network.Id));
        await host.App.DisposeAsync();
        Assert.Equal(ZeroTierError.NotRunning, (await Assert.ThrowsAsync<ZeroTierException>(() => node.JoinAsync(more, Cancel))).Error);
    }

    [Fact]
    public async Task Rule_8_1_The_first_call_starts_the_node_and_the_host_does_not_start_it_again()
    {
        await using var host = TestHost.Build();
        var node = host.App.Services.GetRequiredService<ZeroTierNode>();
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => node.ConnectAsync(host.Server.IPv4.ToString(), 9, Cancel).AsTask());
        Assert.Equal(ZeroTierError.ConnectionRefused, error.Error);
        Assert.Equal(ZeroTierNodeState.Running, node.State);
        await host.App.StartAsync(Cancel);
        Assert.Equal(1, host.Factory.Created);
    }

    [Fact]
    public async Task Call_after_the_end_of_the_host_says_so()
    {
        await using var host = await TestHost.StartAsync();
        var node = host.App.Services.GetRequiredService<ZeroTierNode>();
        await host.App.StopAsync(Cancel);
        using var http = new HttpClient(new ZeroTierHttpHandler(node));
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync("http://10.147.17.1:8080/", Cancel));
        Assert.Equal(ZeroTierError.NotRunning, Assert.IsType<ZeroTierException>(error.InnerException).Error);
        Assert.Contains("has ended with its host", error.InnerException.Message, StringComparison.Ordinal);
        Assert.Equal(1, host.Factory.Created);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_by_host_waits_for_the_network(bool byName)
    {
        await using var node = new FakeNetwork { ReadyOnJoin = false }.CreateNode();
        await node.JoinAsync(FakeNetwork.DefaultId, Cancel);
        await node.StartAsync(Cancel);
        string host = byName ? ZeroTierName.Of(node.KnownId, FakeNetwork.DefaultId) : node.IPv4.ToString();
        var call = node.ConnectAsync(host, 9, ZeroTierConnectionOptions.Default with { ConnectTimeout = TestHost.Limit }, Cancel).AsTask();
        await Task.Delay(50, Cancel);
        Assert.False(call.IsCompleted);

        node.SetReady(true);

        var error = await Assert.ThrowsAsync<ZeroTierException>(() => call.WaitAsync(TestHost.Limit, Cancel));
        Assert.DoesNotContain("did not answer within", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_by_host_does_not_wait_for_a_network_that_denies_access()
    {
        await using var node = new FakeNetwork { ReadyOnJoin = false }.CreateNode();
        node.NotReadyStatus = ZeroTierNetworkStatus.AccessDenied;
        await node.JoinAsync(FakeNetwork.DefaultId, Cancel);
        await node.StartAsync(Cancel);

        var error = await Assert.ThrowsAsync<ZeroTierException>(() => node.ConnectAsync(node.IPv4.ToString(), 9, Cancel).AsTask());

        Assert.Contains("AccessDenied", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("did not answer within", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_8_4_A_server_that_uses_up_the_time_leaves_a_word_about_what_was_not_sent()
    {
        await using var host = await TestHost.StartAsync();
        await using var open = await host.Server.ConnectAsync(
            new ZeroTierEndPoint(FakeNetwork.DefaultId, host.Server.IPv4, 8080), cancellationToken: Cancel);
        await host.App.Services.GetRequiredService<NodeHost>()
            .CloseAsync(new CancellationToken(canceled: true))
            .WaitAsync(TestHost.Limit, Cancel);
        Assert.False(host.Server.Drained);
        Assert.Contains(host.Logs.Lines, line => line.Event.Name == "DrainTimedOut");
    }

    [Fact]
    public async Task Rule_8_2_A_node_that_fails_to_end_keeps_nothing_else()
    {
        await using var host = await TestHost.StartAsync();
        host.Server.DisposeFailure = new InvalidOperationException("engine fault");
        await host.App.StopAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        Assert.Equal(1, host.Factory.Backing.Disposals);
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_8_4_The_node_drains_within_the_shutdown_timeout_only()
    {
        await using var host = TestHost.Build(
            builder: web => web.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromMilliseconds(300)));
        await host.App.StartAsync(Cancel);
        host.Server.DrainGate = new TaskCompletionSource();
        await host.App.StopAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        Assert.False(host.Server.Drained);
        Assert.Equal(ZeroTierNodeState.Disposed, host.Server.State);
        Assert.Contains(host.Logs.Lines, line => line.Event.Name == "DrainTimedOut");
    }

    [Fact]
    public async Task Rule_8_3_A_request_longer_than_the_timeout_is_aborted_with_RST()
    {
        var handled = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var host = TestHost.Build(
            builder: web => web.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromMilliseconds(300)));
        host.App.MapGet("/slow", () =>
        {
            handled.SetResult();
            return release.Task;
        });
        await host.App.StartAsync(Cancel);
        var request = host.GetAsync(path: "/slow");

        // A connection without a request would be idle, and end with FIN.
        await handled.Task.WaitAsync(TestHost.Limit, Cancel);
        await host.App.StopAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => request);
        Assert.Equal(["RST"], host.Server.Connections[0].Wire);
        release.SetResult();
    }

    [Fact]
    public async Task Rule_8_1_The_first_bind_starts_the_node_and_the_host_does_not_start_it_again()
    {
        await using var host = TestHost.Build();
        var factory = host.App.Services.GetServices<IConnectionListenerFactory>().OfType<ListenerFactory>().Single();
        await using var early = await factory.BindAsync(new ZeroTierEndPoint(FakeNetwork.DefaultId, 9001), Cancel);
        Assert.Equal(1, host.Server.Starts);
        await host.App.StartAsync(Cancel);
        Assert.Equal("hello", await host.GetAsync());
        Assert.Equal(1, host.Factory.Created);
        Assert.Equal(1, host.Server.Starts);
    }

    /// <summary>
    /// The start is ended as hosts do it, by its token. A StopAsync beside a running StartAsync is Kestrel's own trap: its heartbeat may
    /// then start after it was disposed, and that ends the process.
    /// </summary>
    [Fact]
    public async Task Rule_8_5_Start_and_stop_in_a_loop_leave_nothing_behind()
    {
        for (int i = 0; i < 200; i++)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            var host = TestHost.Build(zt =>
            {
                zt.Listen(8080);
                if (i % 4 == 2)
                {
                    zt.Listen(8081, listen => listen.KestrelServerOptions.Listen(new ZeroTierEndPoint(FakeNetwork.DefaultId, 8080)));
                }
            });
            var start = host.App.StartAsync(stop.Token);
            switch (i % 4)
            {
                case 0:
                    await start;
                    Assert.Equal("hello", await host.GetAsync());
                    break;
                case 1:
                    await stop.CancelAsync();
                    await Record.ExceptionAsync(() => start.WaitAsync(TestHost.Limit, Cancel));
                    break;
                case 2:
                    await Assert.ThrowsAsync<IOException>(() => start.WaitAsync(TestHost.Limit, Cancel));
                    break;
                default:
                    await start;
                    await host.Server.RestartAsync(Cancel);
                    break;
            }

            await host.App.StopAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
            await host.DisposeAsync();
            Assert.Empty(host.Server.Listeners);
            Assert.Equal(0, host.Server.OpenConnections);
            Assert.NotEqual(ZeroTierNodeState.Running, host.Server.State);
            Assert.Equal(host.Factory.Created, host.Factory.Backing.Disposals);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_8_5_A_stop_while_the_node_starts_ends_both(bool waitsForTheNetwork)
    {
        var node = new FakeNetwork { ReadyOnJoin = false }.CreateNode();
        node.StartGate = waitsForTheNetwork ? null : new TaskCompletionSource();
        var factory = new FakeNodeFactory(node);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<INodeFactory>(factory);
        builder.Services.AddZeroTier(zt =>
        {
            zt.Networks.Add(FakeNetwork.DefaultId.ToString());
            zt.RequireReadyWithin = waitsForTheNetwork ? TimeSpan.FromHours(1) : null;
        });
        using var host = builder.Build();
        var start = host.StartAsync(Cancel);
        await TestHost.EventuallyAsync(() => node.IsStarting || node.Starts == 1, "the node starts");
        var nodeStart = host.Services.GetRequiredService<NodeHost>().EnsureStartedAsync(Cancel);
        await host.StopAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start.WaitAsync(TestHost.Limit, Cancel));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => nodeStart.WaitAsync(TestHost.Limit, Cancel));
        Assert.Equal(ZeroTierNodeState.Disposed, node.State);
        Assert.Equal(1, factory.Backing.Disposals);
    }

    [Fact]
    public async Task Rule_8_5_Two_hosts_in_one_process_do_not_disturb_each_other()
    {
        var network = new FakeNetwork();
        await using var one = await TestHost.StartAsync(network: network);
        var two = await TestHost.StartAsync(network: network);
        Assert.Equal("hello", await one.GetAsync());
        Assert.Equal("hello", await two.GetAsync());
        await two.App.StopAsync(Cancel);
        await two.DisposeAsync();
        Assert.Equal("hello", await one.GetAsync());
    }

    private static IHost BuildHost(HostKind kind, FakeNodeFactory factory, RequestDelegate handler, params int[] more) =>
        kind == HostKind.WebApplication
            ? BuildWebApplication(factory, handler, more)
            : BuildClassic(kind == HostKind.ClassicWithOursLast, factory, handler, more);

    private static WebApplication BuildWebApplication(FakeNodeFactory factory, RequestDelegate handler, params int[] more)
    {
        var web = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "test" });
        web.Services.AddSingleton<INodeFactory>(factory);
        web.WebHost.UseKestrelCore().UseZeroTier(zt => Configure(zt, more));
        var app = web.Build();
        app.Run(handler);
        return app;
    }

    /// <summary>
    /// A host stops its services in the reverse order of their registration: what is added after the web host stops before the server
    /// drains.
    /// </summary>
    private static IHost BuildClassic(bool oursLast, FakeNodeFactory factory, RequestDelegate handler, int[] more)
    {
        var builder = new HostBuilder().ConfigureServices(services => services.AddSingleton<INodeFactory>(factory));
        void AddOurs() => builder.ConfigureWebHost(web => web.UseZeroTier(zt => Configure(zt, more)));
        void AddTheirs() => builder.ConfigureWebHost(web => web.UseKestrelCore().Configure(app => app.Run(handler)));
        if (oursLast)
        {
            AddTheirs();
            AddOurs();
        }
        else
        {
            AddOurs();
            AddTheirs();
        }

        return builder.Build();
    }

    private static void Configure(ZeroTierOptions zt, int[] more)
    {
        zt.Networks.Add(FakeNetwork.DefaultId.ToString());
        // On Kestrel itself, since the options refuse a port that is there twice.
        zt.Listen(8080, listen =>
        {
            foreach (int port in more)
            {
                listen.KestrelServerOptions.Listen(new ZeroTierEndPoint(FakeNetwork.DefaultId, port));
            }
        });
    }
}
