using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier.Hosting;
using ZeroTier.Managed;
using ZeroTier.TestSupport;

namespace ZeroTier.Testing.Tests;

/// <summary>Apps and nodes on networks in memory.</summary>
public sealed class TestNetworkTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task App_on_the_network_is_called_and_knows_the_caller(bool networkFirst)
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await StartAsync(network, zt => zt.Listen(8080), networkFirst);
        using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        await using var other = await network.StartNodeAsync(cancellationToken: Cancel);
        using var second = await network.CreateClientAsync(app.Services, other, Cancel);

        Assert.Equal(8080, client.BaseAddress!.Port);
        string caller = await client.GetStringAsync("/", Cancel);
        Assert.NotEqual(other.Id.ToString(), caller);
        Assert.Equal(other.Id.ToString(), await second.GetStringAsync("/", Cancel));
        Assert.Equal(caller, await client.GetStringAsync("/", Cancel));
    }

    [Fact]
    public async Task App_tied_to_its_machine_is_taken_as_it_is()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await StartAsync(network, zt =>
        {
            zt.Networks.Add("8056c2e21c000001");
            zt.Networks.Add("8056c2e21c000002");
            zt.PlanetPath = "/nowhere/planet";
            zt.StoragePath = "/nowhere/zt";
            zt.LibztPath = "/nowhere/libzt.so";
            zt.Engine = ZeroTierEngine.Libzt;
            zt.Port = 9993;
            zt.KeepHostUrls = true;
            zt.Listen(8080);
            zt.Listen("8056c2e21c000002", 8081);
        });

        // Each configured network has one that stands for it, and they are apart.
        string[] addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];
        Assert.Equal(3, addresses.Length);
        Assert.Equal(3, addresses.Distinct().Count());
        Assert.All(addresses, address => Assert.StartsWith("http://[fc", address, StringComparison.Ordinal));
        await using var caller = await network.StartNodeAsync(
            app.Services.GetRequiredService<ZeroTierNode>().Networks.Select(n => n.Id), Cancel);
        foreach (string address in addresses)
        {
            using var client = new HttpClient(new ZeroTierHttpHandler(caller)) { BaseAddress = new Uri(address) };
            Assert.Equal(caller.Id.ToString(), await client.GetStringAsync("/", Cancel));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task App_on_an_address_of_its_own_is_served_on_the_one_it_has_here(bool namesTheNetwork)
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await StartAsync(
            network,
            zt =>
            {
                zt.Networks.Add("8056c2e21c000001");
                if (namesTheNetwork)
                {
                    zt.Listen("8056c2e21c000001", IPAddress.Parse("10.147.17.5"), 8080);
                }
            },
            listen: namesTheNetwork ? null : "10.147.17.5:8080");
        using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        Assert.Equal(8080, client.BaseAddress!.Port);
        Assert.NotEmpty(await client.GetStringAsync("/", Cancel));
    }

    [Fact]
    public async Task App_without_a_ZeroTier_endpoint_gets_one_and_leaves_the_host_alone()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").UseZeroTierTestNetwork(network);
        await using var app = builder.Build();
        app.MapGet("/", () => "plain");
        await app.StartAsync(Cancel);
        using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        Assert.Equal(80, client.BaseAddress!.Port);
        Assert.Equal("plain", await client.GetStringAsync("/", Cancel));
        Assert.Equal(client.BaseAddress, new Uri(Assert.Single(app.Urls)));
    }

    [Fact]
    public async Task App_with_tls_has_an_https_address()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await StartAsync(network, zt => zt.Listen(443, listen => listen.UseHttps(certificate)));
        Assert.Equal("https", (await network.GetBaseAddressAsync(app.Services, Cancel)).Scheme);
    }

    [Fact]
    public async Task App_whose_first_endpoint_has_no_address_on_the_network_is_found_at_the_one_that_has()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = Build(network, zt => zt.TakeAllEndpoints = true, urls: "http://127.0.0.1:5001;http://[::1]:5002");
        app.MapGet("/", () => "found");
        await app.StartAsync(Cancel);
        using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        Assert.Equal(5002, client.BaseAddress!.Port);
        Assert.Equal("found", await client.GetStringAsync("/", Cancel));
    }

    [Fact]
    public async Task Network_that_ends_frees_the_identities_that_it_gave()
    {
        var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        var options = await network.ConfigureAsync(new ManagedNodeOptions(), Cancel);
        Assert.True(options.Identity!.HasSecret);
        await network.DisposeAsync();
        Assert.False(options.Identity.HasSecret);
    }

    [Fact]
    public async Task App_not_on_the_network_is_told_what_to_do()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var other = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await StartAsync(other, zt => zt.Listen(80));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => network.CreateClientAsync(app.Services, cancellationToken: Cancel));
        Assert.Contains("UseZeroTierTestNetwork(network)", error.Message, StringComparison.Ordinal);

        await using var idle = Build(network, zt => zt.Listen(80));
        error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => network.CreateClientAsync(idle.Services, cancellationToken: Cancel));
        Assert.Contains("has not been started", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_without_a_server_calls_an_app_on_the_network()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await StartAsync(network, zt => zt.Listen(80));
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddZeroTier(zt => zt.PlanetPath = "/nowhere/planet").AddZeroTierTestNetwork(network);
        using var host = builder.Build();
        await host.StartAsync(Cancel);
        using var client = new HttpClient(host.Services.GetRequiredService<ZeroTierHttpHandler>())
        {
            BaseAddress = await network.GetBaseAddressAsync(app.Services, Cancel),
        };
        Assert.Equal(host.Services.GetRequiredService<ZeroTierNode>().Id.ToString(), await client.GetStringAsync("/", Cancel));
        await host.StopAsync(Cancel);
        Assert.Contains(
            "no web server",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => network.GetBaseAddressAsync(host.Services, Cancel))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_of_the_test_connect_ping_and_send_datagrams()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        var a = await network.StartNodeAsync(cancellationToken: Cancel);
        var b = await network.StartNodeAsync(cancellationToken: Cancel);
        var address = TestNetwork.Network.GetSixPlaneAddress(b.Id);
        Assert.True(await a.PingAsync(TestNetwork.Network, address, cancellationToken: Cancel) > TimeSpan.Zero);

        await using var listener = await b.ListenAsync(new ZeroTierEndPoint(TestNetwork.Network, 7), cancellationToken: Cancel);
        var accepting = listener.AcceptAsync(Cancel).AsTask();
        await using var connection = await a.ConnectAsync(new ZeroTierEndPoint(TestNetwork.Network, address, 7), cancellationToken: Cancel);
        await using var accepted = await accepting;
        Assert.Equal(a.Id, accepted!.RemoteNode);
        byte[] data = RandomNumberGenerator.GetBytes(3_000_000);
        var sending = connection.Output.WriteAsync(data, Cancel).AsTask();
        byte[] received = new byte[data.Length];
        await accepted.Input.AsStream().ReadExactlyAsync(received, Cancel);
        await sending;
        Assert.Equal(data, received);

        await using var from = await a.BindDatagramAsync(new ZeroTierEndPoint(TestNetwork.Network, 0), Cancel);
        await using var to = await b.BindDatagramAsync(new ZeroTierEndPoint(TestNetwork.Network, 9), Cancel);
        await from.SendToAsync(data.AsMemory(0, 100), new IPEndPoint(address, 9), Cancel);
        Assert.Equal(100, (await to.ReceiveFromAsync(received, Cancel)).Length);
        Assert.Equal(data[..100], received[..100]);
    }

    [Fact]
    public async Task Networks_many_at_once_do_not_see_each_other()
    {
        long begin = Stopwatch.GetTimestamp();
        string[] callers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(async () =>
        {
            await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
            await using var app = await StartAsync(network, zt => zt.Listen(8080), answer: $"app {i}");
            using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
            return await client.GetStringAsync("/answer", Cancel);
        })));
        Assert.Equal(Enumerable.Range(0, 12).Select(i => $"app {i}"), callers);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"12 networks, each with an app and a client: {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:F0} ms");
    }

    [Fact]
    public async Task Node_restarted_comes_back_to_its_place()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await StartAsync(network, zt => zt.Listen(8080));
        using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        string caller = await client.GetStringAsync("/", Cancel);
        await app.Services.GetRequiredService<ZeroTierNode>().RestartAsync(Cancel);
        using var again = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        Assert.Equal(caller, await EventuallyAsync(again, "/"));
    }

    [Theory]
    [InlineData(5, 0)]
    [InlineData(0, 0.05)]
    [InlineData(2, 0.02)]
    public async Task Network_with_latency_and_loss_delivers_all_the_same(int latencyMs, double loss)
    {
        var options = new TestNetworkOptions { Latency = TimeSpan.FromMilliseconds(latencyMs), Loss = loss, Seed = 3 };
        await using var network = await TestNetwork.StartAsync(options, Cancel);
        await using var app = await StartAsync(network, zt => zt.Listen(8080));
        using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        byte[] data = RandomNumberGenerator.GetBytes(300_000);
        using var response = await client.PostAsync("/hash", new ByteArrayContent(data), Cancel);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(data)), await response.Content.ReadAsStringAsync(Cancel));
        if (latencyMs > 0)
        {
            long begin = Stopwatch.GetTimestamp();
            await client.GetStringAsync("/", Cancel);
            Assert.True(Stopwatch.GetElapsedTime(begin) >= 2 * options.Latency, "A round trip was faster than twice the latency.");
        }
    }

    [Fact]
    public async Task Options_out_of_their_range_are_refused()
    {
        foreach (var options in new TestNetworkOptions[]
        {
            new() { Loss = 0.6 },
            new() { Loss = double.NaN },
            new() { Latency = TimeSpan.FromSeconds(-1) },
            new() { Latency = TimeSpan.FromMinutes(1) },
        })
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => TestNetwork.StartAsync(options, Cancel));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    public async Task Dispose_in_any_order_leaves_nothing_open(int latencyMs)
    {
        var network = await TestNetwork.StartAsync(new TestNetworkOptions { Latency = TimeSpan.FromMilliseconds(latencyMs) }, Cancel);
        var app = await StartAsync(network, zt => zt.Listen(8080));
        var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        await client.GetStringAsync("/", Cancel);
        Assert.Equal(3, network.OpenTransports);

        // The network first, which is the wrong way round.
        await network.DisposeAsync();
        Assert.Equal(1, network.OpenTransports);
        await app.DisposeAsync();
        client.Dispose();
        await network.DisposeAsync();
        Assert.Equal(0, network.OpenTransports);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => network.StartNodeAsync(cancellationToken: Cancel));
    }

    [Fact]
    public async Task Networks_one_after_the_other_leave_no_memory()
    {
        await RoundAsync();
        await RoundAsync();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var weak = new List<WeakReference>();
        for (int i = 0; i < 10; i++)
        {
            weak.Add(await RoundAsync());
        }

        for (int i = 0; i < 240 && weak.Any(reference => reference.IsAlive); i++)
        {
            // Sockets handlers let go of what they pooled on a timer of their own.
            await Task.Delay(250, Cancel);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.DoesNotContain(weak, reference => reference.IsAlive);
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;

        // Shared pools of arrays keep some megabytes, more or less as the threads met.
        Assert.True(grown < 16_000_000, $"Ten networks left {grown / 1024} KiB behind.");

        async Task<WeakReference> RoundAsync()
        {
            await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
            await using var app = await StartAsync(network, zt => zt.Listen(8080));
            using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
            await client.GetStringAsync("/", Cancel);
            return new WeakReference(network);
        }
    }

    [Fact]
    public async Task Network_opens_no_socket()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Looks into /proc.");
        }

        // The test runner has sockets of its own, but none for UDP and none that listens.
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await StartAsync(network, zt => zt.Listen(8080));
        using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        await client.GetStringAsync("/", Cancel);
        Assert.Empty(ProcessSockets.Of("udp").Concat(ProcessSockets.Of("udp6")));
        Assert.DoesNotContain(ProcessSockets.Of("tcp").Concat(ProcessSockets.Of("tcp6")), socket => socket[3] == "0A");
    }

    private static async Task<string> EventuallyAsync(HttpClient client, string path)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                return await client.GetStringAsync(path, Cancel);
            }
            catch (HttpRequestException) when (i < 50)
            {
                await Task.Delay(100, Cancel);
            }
        }
    }

    [Theory]
    [InlineData("ff1f90ffff000000")]
    [InlineData("8056c2e21c000001")]
    public async Task Client_joins_the_network_of_the_app(string id)
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await StartAsync(
            network,
            zt =>
            {
                zt.Networks.Add(id);
                zt.Listen(8080);
            },
            answer: id);
        using var client = await network.CreateClientAsync(app.Services, cancellationToken: Cancel);
        Assert.Equal(id, await client.GetStringAsync("/answer", Cancel));
    }

    private static async Task<WebApplication> StartAsync(
        TestNetwork network, Action<ZeroTierOptions> configure, bool networkFirst = false, string answer = "", string? listen = null)
    {
        var app = Build(network, configure, networkFirst, listen: listen);
        app.MapGet("/", (HttpContext context) => context.GetZeroTierPeer()!.Node.ToString());
        app.MapGet("/answer", () => answer);
        app.MapPost(
            "/hash", async (Stream body, CancellationToken aborted) => Convert.ToHexString(await SHA256.HashDataAsync(body, aborted)));
        await app.StartAsync(Cancel);
        return app;
    }

    private static WebApplication Build(
        TestNetwork network, Action<ZeroTierOptions> configure, bool networkFirst = false, string? urls = null, string? listen = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration["ZeroTier:Listen"] = listen;
        builder.Logging.ClearProviders();
        if (urls is not null)
        {
            builder.WebHost.UseUrls(urls);
        }

        if (networkFirst)
        {
            builder.WebHost.UseZeroTierTestNetwork(network).UseZeroTier(configure);
        }
        else
        {
            builder.WebHost.UseZeroTier(configure).UseZeroTierTestNetwork(network);
        }

        return builder.Build();
    }
}
