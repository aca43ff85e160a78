using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Rule 5.10 of the transport contract: endpoints that change while the server runs.</summary>
public class ReloadTests
{
    private const string Url = "Kestrel:Endpoints:Mine:Url";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_5_10_A_changed_port_is_bound_instead_of_the_old_one()
    {
        await using var host = await StartAsync();
        Assert.Equal("hello", await host.GetAsync(6001));
        Change(host, "http://127.0.0.1:6002");
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Any(l => l.EndPoint.Port == 6002), "the new port is bound");
        Assert.Equal("hello", await host.GetAsync(6002));
        await TestHost.EventuallyAsync(() => host.Server.Listeners.All(l => l.EndPoint.Port != 6001), "the old port is free");
        var refused = await Assert.ThrowsAsync<ZeroTierException>(
            () => host.Client.ConnectAsync(
                new ZeroTierEndPoint(FakeNetwork.DefaultId, host.Server.IPv4, 6001), cancellationToken: Cancel).AsTask());
        Assert.Equal(ZeroTierError.ConnectionRefused, refused.Error);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Rule_5_10_A_rebind_that_fails_shows_in_health_until_the_configuration_is_right_again()
    {
        await using var host = await StartAsync();
        await using var taken = await host.Server.ListenAsync(new ZeroTierEndPoint(FakeNetwork.DefaultId, 6003), cancellationToken: Cancel);
        Change(host, "http://127.0.0.1:6003");
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Critical).Any(), "Kestrel has logged it");
        var failed = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, failed.Status);
        Assert.Contains("127.0.0.1:6003 could not be bound", failed.Description, StringComparison.Ordinal);

        Change(host, "http://127.0.0.1:6004");
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Any(l => l.EndPoint.Port == 6004), "the right port is bound");
        Assert.Equal("hello", await host.GetAsync(6004));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Rule_5_10_A_rebind_that_succeeds_takes_its_failure_out_of_health()
    {
        await using var host = await StartAsync();
        var taken = await host.Server.ListenAsync(new ZeroTierEndPoint(FakeNetwork.DefaultId, 6006), cancellationToken: Cancel);
        Change(host, "http://127.0.0.1:6006");
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Critical).Any(), "Kestrel has logged it");
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(host)).Status);

        await taken.DisposeAsync();
        host.App.Services.GetRequiredService<IConfiguration>()["Kestrel:Endpoints:Mine:Protocols"] = "Http1";
        Change(host, "http://127.0.0.1:6006");
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Any(l => l.EndPoint.Port == 6006), "bound");
        Assert.Equal("hello", await host.GetAsync(6006));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Rule_5_10_A_rebind_while_the_network_is_down_does_not_wait_for_it()
    {
        await using var host = await StartAsync();
        host.Server.SetReady(false);
        Change(host, "http://127.0.0.1:6005");
        await TestHost.EventuallyAsync(() => host.Listeners.Listeners.Any(l => l.Port == 6005), "bound, and waiting");
        host.Server.SetReady(true);
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Any(l => l.EndPoint.Port == 6005), "attached");
        Assert.Equal("hello", await host.GetAsync(6005));
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_4_8_A_zt_host_that_comes_with_a_reload_opens_nothing_on_the_host()
    {
        int port = FreePort.Tcp();
        await using var host = await TestHost.StartAsync(zt => zt.Listen(8080), Reloading("http://127.0.0.1:0"));
        Change(host, $"http://0123456789.ff1f90ffff000000.zt:{port}");
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Critical).Any(), "Kestrel has logged it");
        using var socket = new System.Net.Sockets.TcpClient();
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => socket.ConnectAsync("127.0.0.1", port, Cancel).AsTask());
        var failed = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, failed.Status);
        Assert.Contains("Kestrel:Endpoints:Mine:Url is", failed.Description, StringComparison.Ordinal);

        Change(host, "http://127.0.0.1:0");
        await TestHost.EventuallyAsync(() => host.Listeners.Failed.Count == 0, "health has forgotten it");
    }

    [Fact]
    public async Task Rule_4_9_Http3_that_comes_with_a_reload_is_refused()
    {
        await using var host = await StartAsync();
        host.App.Services.GetRequiredService<IConfiguration>()["Kestrel:Endpoints:Mine:Protocols"] = "Http1AndHttp2AndHttp3";
        Change(host, "http://127.0.0.1:6007");
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Critical).Any(), "Kestrel has logged it");
        Assert.Contains("HTTP/3", (await CheckAsync(host)).Description, StringComparison.Ordinal);
    }

    private static Task<TestHost> StartAsync() => TestHost.StartAsync(
        zt =>
        {
            zt.TakeAllEndpoints = true;
            zt.Listen(8080);
        },
        Reloading("http://127.0.0.1:6001"));

    private static Action<WebApplicationBuilder> Reloading(string url) => web =>
    {
        web.Configuration[Url] = url;
        web.Services.AddHealthChecks().AddZeroTier();
        web.WebHost.ConfigureKestrel(
            (context, kestrel) => kestrel.Configure(context.Configuration.GetSection("Kestrel"), reloadOnChange: true));
    };

    private static void Change(TestHost host, string url)
    {
        var configuration = (IConfigurationRoot)host.App.Services.GetRequiredService<IConfiguration>();
        configuration[Url] = url;
        configuration.Reload();
    }

    private static async Task<HealthReportEntry> CheckAsync(TestHost host) =>
        (await host.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel)).Entries["zerotier"];
}
