using System.Net;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ZeroTier;
using ZeroTier.Hosting;

namespace EndToEnd.Tests;

/// <summary>Tests that count what the whole process holds; nothing else of it runs meanwhile.</summary>
[CollectionDefinition(nameof(WholeProcess), DisableParallelization = true)]
public sealed class WholeProcess : ICollectionFixture<LoopbackUniverse>;

/// <summary>
/// Rules of the transport contract about sockets, threads, descriptors, timers and memory of the process, on the managed engine.
/// </summary>
[Collection(nameof(WholeProcess))]
public sealed class WholeProcessTests(LoopbackUniverse universe, ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, 5000)]
    [InlineData("http://*:5021", 5021)]
    public async Task Rule_4_9_TakeAllEndpoints_leaves_the_process_no_socket_but_the_nodes_own(string? url, int port)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sockets of a process are read from /proc.");
        var before = ProcessResources.Sockets();
        int own = FreePort.Udp();
        await using var app = WebApp(universe.NewStorage(), zt =>
        {
            zt.Port = own;
            zt.TakeAllEndpoints = true;
            zt.RequireReadyWithin = TimeSpan.FromSeconds(30);
            zt.Listen(8080);
        }, url is null ? null : kestrel => kestrel.ListenAnyIP(5022), url);
        await app.StartAsync(Cancel);

        var opened = ProcessResources.Sockets().Except(before).ToArray();
        Assert.NotEmpty(opened);
        Assert.All(opened, socket => Assert.Equal(("udp", own), socket));
        var address = app.Services.GetRequiredService<ZeroTierNode>().Networks[0].Addresses[0].Address;
        using var http = new HttpClient(new ZeroTierHttpHandler(universe.Client));

        // Kestrel's default URL is for applications without any other endpoint of the host.
        foreach (int served in (int[])(url is null ? [port, 8080] : [port, 5022, 8080]))
        {
            Assert.Equal("hello", await http.GetStringAsync($"http://{new IPEndPoint(address, served)}/", Cancel));
        }

        await app.StopAsync(Cancel);
        Assert.DoesNotContain(ProcessResources.Sockets(), socket => socket.Port == own);
    }

    [Fact]
    public async Task Rule_5_7_Listeners_bound_and_disposed_in_a_loop_leave_no_thread_descriptor_timer_or_memory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Descriptors are read from /proc.");
        var clock = new ObservedTime();
        await using var app = WebApp(
            universe.NewStorage(),
            zt =>
            {
                zt.RequireReadyWithin = TimeSpan.FromSeconds(30);
                zt.Listen(8080);
            },
            time: clock);
        await app.StartAsync(Cancel);
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        var endpoint = new ZeroTierEndPoint(LoopbackUniverse.Network, 9001);
        var factory = app.Services.GetServices<IConnectionListenerFactory>().OfType<IConnectionListenerFactorySelector>().Single(
            selector => selector.CanBind(endpoint));

        await BindAndDisposeAsync(20);
        (int threads, int descriptors, long memory) = Measure();
        int timers = clock.ActiveTimers;
        await BindAndDisposeAsync(200);

        await EventuallyAsync(() => ProcessResources.Descriptors <= descriptors, "all descriptors are closed");
        await EventuallyAsync(() => ProcessResources.Threads <= threads + 1, "all threads have ended");
        await EventuallyAsync(() => clock.ActiveTimers <= timers, "all timers are gone");
        long grown = 0;
        await EventuallyAsync(
            () => (grown = GC.GetTotalMemory(forceFullCollection: true) - memory) < 200 * 10_000, "the memory is given back");
        output.WriteLine($"after 200 listeners {grown} bytes more");

        // Without an unbind; every other one with a connection that Kestrel has and one that nobody has accepted.
        async Task BindAndDisposeAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                var listener = await ((IConnectionListenerFactory)factory).BindAsync(endpoint, Cancel);
                if (i % 2 == 1)
                {
                    var address = new ZeroTierEndPoint(LoopbackUniverse.Network, node.Networks[0].Addresses[0].Address, endpoint.Port);
                    await using var one = await universe.Client.ConnectAsync(address, cancellationToken: Cancel);
                    await using var served = (await listener.AcceptAsync(Cancel))!;
                    await using var two = await universe.Client.ConnectAsync(address, cancellationToken: Cancel);
                    await listener.DisposeAsync();
                }
                else
                {
                    await listener.DisposeAsync();
                }
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rule_8_2_A_second_endpoint_that_fails_leaves_no_thread_descriptor_timer_or_lock(bool webApplication)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Descriptors are read from /proc.");
        string storage = universe.NewStorage();

        // On Kestrel itself, since the options refuse a port that is there twice.
        static void Twice(ZeroTierOptions zt) =>
            zt.Listen(8080, listen => listen.KestrelServerOptions.Listen(new ZeroTierEndPoint(LoopbackUniverse.Network, 8080)));

        // The first failure makes the identity, and whatever the runtime keeps.
        await FailAsync(null);
        var clock = new ObservedTime();
        (int threads, int descriptors) = (ProcessResources.Threads, ProcessResources.Descriptors);
        for (int i = 0; i < 5; i++)
        {
            await FailAsync(clock);
        }

        await EventuallyAsync(() => clock.ActiveTimers == 0, "all timers are gone");
        await EventuallyAsync(() => ProcessResources.Descriptors <= descriptors, "all descriptors are closed");
        await EventuallyAsync(() => ProcessResources.Threads <= threads + 1, "all threads have ended");

        // Nobody holds the folder any more.
        await using var again = WebApp(storage, zt => zt.Listen(8080));
        await again.StartAsync(Cancel);
        await again.StopAsync(Cancel);

        async Task FailAsync(TimeProvider? time)
        {
            IHost host = webApplication ? WebApp(storage, Twice, time: time) : Classic(storage, Twice, time);
            await Assert.ThrowsAsync<IOException>(() => host.StartAsync(Cancel));
            await ((IAsyncDisposable)host).DisposeAsync();
        }
    }

    [Fact]
    public async Task Rule_8_5_Two_hundred_starts_stops_and_restarts_leave_the_process_as_it_was()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Descriptors are read from /proc.");
        string storage = universe.NewStorage();
        int port = FreePort.Udp();
        using var http = new HttpClient(new ZeroTierHttpHandler(universe.Client)) { Timeout = Limit };
        for (int i = 0; i < 16; i++)
        {
            await LifeAsync(storage, port, i, http);
        }

        var before = Measure();
        output.WriteLine(ProcessResources.Describe());
        for (int i = 0; i < 200; i++)
        {
            await LifeAsync(storage, port, i, http);
        }

        output.WriteLine(ProcessResources.Describe());

        await EventuallyAsync(() => ProcessResources.Descriptors <= before.Descriptors, "all descriptors are closed");
        await EventuallyAsync(() => ProcessResources.Threads <= before.Threads + 1, "all threads have ended");
        // What finalizers hold needs more than one collection; what is leaked survives them all.
        await EventuallyAsync(
            () => GC.GetTotalMemory(forceFullCollection: true) - before.Memory < 200 * 10_000, "the memory is given back");
        output.WriteLine($"before {before}, after {Measure()}");
    }

    [Fact]
    public async Task Rule_8_5_Two_hosts_in_one_process_serve_side_by_side()
    {
        await using var one = await WebHost.StartAsync(universe, cancellationToken: Cancel);
        var two = await WebHost.StartAsync(universe, cancellationToken: Cancel);
        using var http = new HttpClient(new ZeroTierHttpHandler(universe.Client)) { Timeout = Limit };
        Assert.NotEqual(one.Node.Id, two.Node.Id);
        Assert.StartsWith("HTTP/1.1", await http.GetStringAsync(one.Url("/"), Cancel), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1", await http.GetStringAsync(two.Url("/"), Cancel), StringComparison.Ordinal);
        await two.DisposeAsync();
        Assert.StartsWith("HTTP/1.1", await http.GetStringAsync(one.Url("/"), Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_7_3_A_process_that_only_calls_returns_to_its_idle_memory()
    {
        // What the pool of the process keeps at most. A connection that is not given back costs 100 kB and more here.
        const long PoolLimit = 8 * 1024 * 1024;
        await using var server = await WebHost.StartAsync(universe, cancellationToken: Cancel);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "caller" });
        builder.Services.AddZeroTier(zt => Configure(zt, universe.NewStorage()));
        builder.Services.Configure<ZeroTierNodeOptions>(zt => zt.RequireReadyWithin = TimeSpan.FromSeconds(30));
        using var host = builder.Build();
        await host.StartAsync(Cancel);
        Assert.Null(host.Services.GetService<IMemoryPoolFactory<byte>>());
        await CallAsync(100);
        await CallAsync(100);
        long before = await CallAsync(100);
        await CallAsync(100);
        await CallAsync(100);
        long after = await CallAsync(100);
        output.WriteLine($"after three hundred connections {before}, after three hundred more {after}");
        Assert.True(after - before < PoolLimit, $"{after - before} bytes stayed.");
        await host.StopAsync(Cancel);

        // What is in use when all connections are over: blocks that the pool keeps, which the first rounds fill, and what would leak.
        async Task<long> CallAsync(int connections)
        {
            using var http = new HttpClient(host.Services.GetRequiredService<ZeroTierHttpHandler>(), disposeHandler: true)
            {
                Timeout = Limit,
            };
            byte[][] bodies = await Task.WhenAll(
                Enumerable.Range(0, connections).Select(_ => http.GetByteArrayAsync(server.Url("/stream?bytes=100000"), Cancel)));
            Assert.All(bodies, body => Assert.Equal(100_000, body.Length));
            http.Dispose();
            await EventuallyAsync(
                () => host.Services.GetRequiredService<ZeroTierNode>().GetStatistics().TcpConnections == 0, "all connections are over");
            bodies = [];
            return GC.GetTotalMemory(forceFullCollection: true);
        }
    }

    /// <summary>One life: served, restarted, stopped during the start, or failed half-way.</summary>
    private async Task LifeAsync(string storage, int port, int kind, HttpClient http)
    {
        var clock = new ObservedTime();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var app = WebApp(
            storage,
            zt =>
            {
                // As servers have it: peers find the node again where it was.
                zt.Port = port;
                zt.Listen(8080);
                if (kind % 8 == 0)
                {
                    zt.RequireReadyWithin = TimeSpan.FromSeconds(30);
                }
                else if (kind % 4 == 2)
                {
                    zt.Listen(8081, listen => listen.KestrelServerOptions.Listen(new ZeroTierEndPoint(LoopbackUniverse.Network, 8080)));
                }
            },
            time: clock);
        var start = app.StartAsync(stop.Token);
        switch (kind % 4)
        {
            case 0:
                await start.WaitAsync(Limit, Cancel);
                if (kind % 8 == 0)
                {
                    var address = app.Services.GetRequiredService<ZeroTierNode>().Networks[0].Addresses[0].Address;
                    Assert.Equal("hello", await http.GetStringAsync($"http://{new IPEndPoint(address, 8080)}/", Cancel));
                }

                break;
            case 1:
                await stop.CancelAsync();
                await Record.ExceptionAsync(() => start.WaitAsync(Limit, Cancel));
                break;
            case 2:
                await Assert.ThrowsAsync<IOException>(() => start.WaitAsync(Limit, Cancel));
                break;
            default:
                await start.WaitAsync(Limit, Cancel);
                await app.Services.GetRequiredService<ZeroTierNode>().RestartAsync(Cancel).WaitAsync(Limit, Cancel);
                break;
        }

        await app.StopAsync(Cancel).WaitAsync(Limit, Cancel);
        await app.DisposeAsync().AsTask().WaitAsync(Limit, Cancel);
        await EventuallyAsync(() => clock.ActiveTimers == 0, "all timers of this life are gone");
    }

    private WebApplication WebApp(
        string storage,
        Action<ZeroTierOptions> options,
        Action<KestrelServerOptions>? kestrel = null,
        string? url = null,
        TimeProvider? time = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "e2e" });
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.WebHost.UseKestrelCore().UseZeroTier(zt =>
        {
            Configure(zt, storage);
            options(zt);
        });
        builder.WebHost.ConfigureKestrel(k => kestrel?.Invoke(k));
        if (url is not null)
        {
            builder.WebHost.UseUrls(url);
        }

        var app = builder.Build();
        app.Run(context => context.Response.WriteAsync("hello"));
        return app;
    }

    private IHost Classic(string storage, Action<ZeroTierOptions> options, TimeProvider? time) => new HostBuilder()
        .ConfigureWebHost(web => web
            .UseKestrelCore()
            .UseZeroTier(zt =>
            {
                Configure(zt, storage);
                options(zt);
            })
            .ConfigureServices(services => services.AddSingleton(time ?? TimeProvider.System))
            .Configure(app => app.Run(context => context.Response.WriteAsync("hello"))))
        .Build();

    private void Configure(ZeroTierNodeOptions zt, string storage)
    {
        zt.Networks.Add(LoopbackUniverse.Network.ToString());
        zt.PlanetPath = universe.PlanetPath;
        zt.StoragePath = storage;
    }

    private static (int Threads, int Descriptors, long Memory) Measure()
    {
        long memory = GC.GetTotalMemory(forceFullCollection: true);
        return (ProcessResources.Threads, ProcessResources.Descriptors, memory);
    }

    private static async Task EventuallyAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"Did not happen: {what}");
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
