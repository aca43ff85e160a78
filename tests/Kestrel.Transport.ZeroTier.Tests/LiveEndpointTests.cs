using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>
/// Rule 5.10 of the transport contract for the endpoints of <c>ZeroTier:Listen</c>: they come and go while the server runs.
/// </summary>
public sealed class LiveEndpointTests : IDisposable
{
    private const string Other = "1234567890abcdef";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("zt-live-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("no section")]
    [InlineData("section")]
    [InlineData("another section")]
    [InlineData("section that is loaded")]
    public async Task Rule_5_10_Endpoints_of_the_section_come_and_go(string kestrel)
    {
        await using var host = await StartAsync(web => ReadByKestrel(web, kestrel), ("Listen", "8080"));
        Assert.Equal(["http://10.147.17.1:8080"], host.Addresses);
        Assert.Equal("hello", await host.GetAsync(8080));

        Set(host, ("Listen", "8081, 8056c2e21c000001.zt:8082, 10.147.17.1:8083"));
        await ServedAsync(host, 8081, 8082, 8083);
        foreach (int port in new[] { 8081, 8082, 8083 })
        {
            Assert.Equal("hello", await host.GetAsync(port));
        }

        await RefusedAsync(host, 8080);
        Assert.Equal(["http://10.147.17.1:8081", "http://10.147.17.1:8082", "http://10.147.17.1:8083"], host.Addresses.Order());
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        Assert.Empty(host.Logs.AtLeast(LogLevel.Warning));
        var line = Assert.Single(host.Logs.Lines, line => line.Event.Name == "EndPointsChanged");
        Assert.Contains("gone: 8056c2e21c000001.zt:8080", line.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_5_10_An_endpoint_that_stays_keeps_its_connections_while_others_come_go_and_change_places()
    {
        await using var host = await StartAsync(null, ("Listen:0:Port", "8080"), ("Listen:1", "8081"));
        var release = new TaskCompletionSource();
        host.App.MapGet("/slow", async () =>
        {
            await release.Task;
            return "slow";
        });
        var slow = host.GetAsync(8080, "/slow");
        Assert.Equal("hello", await host.GetAsync(8080));
        int connections = host.Client.Connections.Count;

        Set(host, ("Listen:0:Port", "8082"), ("Listen:1", "8080"), ("Listen:2", "8083"));
        await ServedAsync(host, 8080, 8082, 8083);
        Assert.Equal("hello", await host.GetAsync(8080));
        Assert.Equal(connections, host.Client.Connections.Count);
        Assert.False(slow.IsCompleted);
        release.SetResult();
        Assert.Equal("slow", await slow);
        Assert.Single(
            host.Logs.Lines, line => line.Event.Name == "ListenerAttached" && line.Text.Contains(":8080", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rule_5_10_Other_protocols_bind_one_endpoint_anew_and_no_other()
    {
        await using var host = await StartAsync(
            null, ("Listen:0:Port", "8080"), ("Listen:0:Protocols", "Http1"), ("Listen:1:Port", "8081"));
        Assert.Equal(HttpVersion.Version11, await VersionAsync(host, 8080, HttpVersion.Version11));

        Set(host, ("Listen:0:Protocols", "Http2"));
        await TestHost.EventuallyAsync(() => Attached(host, 8080) == 2, "bound anew");
        Assert.Equal(HttpVersion.Version20, await VersionAsync(host, 8080, HttpVersion.Version20));
        Assert.Equal(1, Attached(host, 8081));
        Assert.Contains(
            "bound anew: 8056c2e21c000001.zt:8080.",
            Assert.Single(host.Logs.Lines, line => line.Event.Name == "EndPointsChanged").Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_5_10_A_certificate_of_the_section_is_served_and_another_takes_its_place()
    {
        string first = NewCertificate("first");
        await using var host = await StartAsync(
            web => web.WebHost.UseKestrelHttpsConfiguration(),
            ("Listen:0:Port", "8443"),
            ("Listen:0:Certificate:Path", first),
            ("Listen:0:Certificate:Password", "secret"));
        Assert.Equal(["https://10.147.17.1:8443"], host.Addresses);
        Assert.Equal("CN=first", await SubjectAsync(host, 8443));

        Set(host, ("Listen:0:Certificate:Path", NewCertificate("second")));
        await TestHost.EventuallyAsync(() => Attached(host, 8443) == 2, "bound anew");
        Assert.Equal("CN=second", await SubjectAsync(host, 8443));

        // What Kestrel could not load, and would then bind none of the changed endpoints.
        Set(host, ("Listen:0:Certificate:Password", "wrong"), ("Listen:1", "8080"));
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Error).Any(), "said");
        Assert.Contains(
            "ZeroTier:Listen:0:Certificate could not be loaded",
            Assert.Single(host.Logs.AtLeast(LogLevel.Warning)).Text,
            StringComparison.Ordinal);
        Assert.Equal("CN=second", await SubjectAsync(host, 8443));
    }

    [Fact]
    public async Task Rule_5_10_What_is_wrong_is_not_used_is_one_error_and_the_next_change_is_followed()
    {
        await using var host = await StartAsync(null, ("Listen", "8080"));
        Set(host, ("Listen", "8081, nonsense"));
        Set(host, ("Listen", "8081, nonsense"));
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Error).Any(), "said");
        Assert.Equal("hello", await host.GetAsync(8080));
        Set(host, ("Listen", "8080, 8082"));
        await ServedAsync(host, 8080, 8082);
        Assert.Equal("hello", await host.GetAsync(8082));
        var error = Assert.Single(host.Logs.AtLeast(LogLevel.Warning));
        Assert.Contains(
            "ZeroTier:Listen is 'nonsense', which is not understood. A valid example is 8080", error.Text, StringComparison.Ordinal);
        Assert.Equal(1, Attached(host, 8080));
    }

    [Fact]
    public async Task Rule_5_10_Lists_of_an_endpoint_change_without_binding_it_anew()
    {
        await using var host = await StartAsync(null, ("Listen:0:Port", "8080"), ("Listen:0:AllowedNetworks", Other), ("Networks", Other));
        await Assert.ThrowsAsync<HttpRequestException>(() => host.GetAsync(8080));
        Set(host, ("Listen:0:AllowedNetworks", FakeNetwork.DefaultId.ToString()));
        await TestHost.EventuallyAsync(() => Followed(host, "Listen"), "followed");
        Assert.Equal("hello", await host.GetAsync(8080));
        Assert.Equal(1, Attached(host, 8080));
        Assert.DoesNotContain(host.Logs.Lines, line => line.Event.Name == "EndPointsChanged");
    }

    [Fact]
    public async Task Rule_5_10_An_endpoint_without_a_network_comes_with_each_network_and_goes_with_it()
    {
        var other = NetworkId.Parse(Other);
        await using var host = await StartAsync(null, ("Listen", "8080"));
        Set(host, ("Networks", Other), ("Listen", $"8080, {Other}.zt:8081"));
        await TestHost.EventuallyAsync(() => host.Listeners.Listeners.Count(listener => listener.Target.Network == other) == 2, "bound");
        Set(host, ("Networks", ""), ("Listen", "8080"));
        await TestHost.EventuallyAsync(() => host.Listeners.Listeners.All(listener => listener.Target.Network != other), "unbound");
        Assert.DoesNotContain(host.Server.Networks, network => network.Id == other);
        Assert.Equal("hello", await host.GetAsync(8080));
        Assert.Equal(1, Attached(host, 8080));
        Assert.Empty(host.Logs.AtLeast(LogLevel.Warning));
    }

    [Fact]
    public async Task Rule_5_10_Two_endpoints_with_port_0_keep_their_ports()
    {
        await using var host = await StartAsync(null, ("Listen", "0, 0"));
        int[] ports = [.. host.Listeners.Listeners.Select(listener => listener.Port).Order()];
        Set(host, ("Listen", "8080, 0, 0"));
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Count == 3, "bound");
        Assert.Equal(ports, host.Listeners.Listeners.Select(listener => listener.Port).Where(port => port != 8080).Order());
    }

    [Fact]
    public async Task Rule_5_10_A_port_that_is_taken_shows_in_health_until_it_is_no_longer_configured()
    {
        await using var host = await StartAsync(null, ("Listen", "8080"));
        await using var taken = await host.Server.ListenAsync(new ZeroTierEndPoint(FakeNetwork.DefaultId, 8081), cancellationToken: Cancel);
        Set(host, ("Listen", "8080, 8081, 8082"));
        await ServedAsync(host, 8080, 8082);
        var failed = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, failed.Status);
        Assert.Contains("8056c2e21c000001.zt:8081 could not be bound", failed.Description, StringComparison.Ordinal);
        Set(host, ("Listen", "8080, 8082"));
        await TestHost.EventuallyAsync(() => host.Listeners.Failed.Count == 0, "forgotten");
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Rule_5_10_Where_Kestrel_does_not_follow_its_section_endpoints_are_served_and_their_change_needs_a_restart()
    {
        await using var host = await StartAsync(
            web => web.WebHost.ConfigureKestrel((context, kestrel) => kestrel.Configure(context.Configuration.GetSection("Kestrel"))),
            ("Listen:0:Port", "8080"), ("Listen:0:AllowedNetworks", FakeNetwork.DefaultId.ToString()));
        Assert.Equal("hello", await host.GetAsync(8080));
        Set(host, ("Listen:1", "8081"), ("Listen:0:AllowedNetworks", Other), ("Networks", Other));
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Warning).Any(), "said");
        Assert.EndsWith("into use: Listen.", Assert.Single(host.Logs.AtLeast(LogLevel.Warning)).Text, StringComparison.Ordinal);

        // Lists are ours, and followed.
        using var fresh = new HttpClient(new ZeroTierHttpHandler(host.Client));
        await Assert.ThrowsAsync<HttpRequestException>(() => fresh.GetStringAsync("http://10.147.17.1:8080/", Cancel));
    }

    [Fact]
    public async Task Rule_5_10_What_Kestrel_does_not_bind_for_a_mistake_in_its_own_section_shows_in_health()
    {
        await using var host = await StartAsync(web => ReadByKestrel(web, "section"), ("Listen", "8080"));
        host.App.Configuration["Kestrel:Endpoints:Mine:Protocols"] = "Http1";
        Set(host, ("Listen", "8080, 8081"));
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Critical).Any(), "Kestrel has logged it");
        await TestHost.EventuallyAsync(() => host.Logs.Lines.Any(line => line.Event.Name == "EndPointsChanged"), "followed");
        var late = await CheckAsync(host);
        Assert.Equal(HealthStatus.Degraded, late.Status);
        Assert.Contains("not bound yet: 8056c2e21c000001.zt:8081.", late.Description, StringComparison.Ordinal);
        Assert.Equal("hello", await host.GetAsync(8080));

        host.App.Configuration["Kestrel:Endpoints:Mine:Url"] = "http://127.0.0.1:0";
        Set(host);
        await ServedAsync(host, 8080, 8081);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Fact]
    public async Task Rule_4_7_A_server_that_is_not_Kestrel_is_told_and_so_is_that_it_follows_nothing()
    {
        await using var host = await StartAsync(web => web.Services.AddSingleton<IServer, OtherServer>(), ("Listen", "8080"));
        Assert.Contains("8056c2e21c000001.zt:8080", Assert.Single(host.Logs.AtLeast(LogLevel.Warning)).Text, StringComparison.Ordinal);
        Set(host, ("Listen", "8081"));
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Warning).Count() == 2, "said");
        Assert.Equal("SettingsForRestart", host.Logs.AtLeast(LogLevel.Warning).Last().Event.Name);
    }

    [Fact]
    public async Task Rule_4_1_Even_with_sockets_asked_first_an_endpoint_of_the_section_is_ours()
    {
        await using var host = await StartAsync(
            web => web.Services.AddSingleton<IConnectionListenerFactory, SocketTransportFactory>(), ("Listen", "8080"));
        Assert.IsNotType<ListenerFactory>(host.App.Services.GetServices<IConnectionListenerFactory>().Last());
        Assert.Equal("hello", await host.GetAsync(8080));
    }

    [Fact]
    public async Task Rule_4_6_Endpoint_defaults_that_take_the_place_of_ours_fail_the_start_with_the_remedy()
    {
        await using var host = Build(
            web => web.Services.PostConfigure<KestrelServerOptions>(kestrel => kestrel.ConfigureEndpointDefaults(_ => { })),
            ("Listen", "8080"));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.Contains("Call ConfigureEndpointDefaults within ConfigureKestrel", error.Message, StringComparison.Ordinal);
        Assert.Empty(host.Server.Listeners);
    }

    [Fact]
    public async Task Rule_4_6_Endpoint_defaults_of_the_application_hold_for_endpoints_of_the_section()
    {
        await using var host = await StartAsync(
            web => web.WebHost.ConfigureKestrel(
                kestrel => kestrel.ConfigureEndpointDefaults(listen => listen.Protocols = HttpProtocols.Http2)), ("Listen", "8080"));
        Assert.Equal(HttpVersion.Version20, await VersionAsync(host, 8080, HttpVersion.Version20));
    }

    [Fact]
    public async Task Rule_4_9_Http3_by_default_is_refused_for_endpoints_of_the_section()
    {
        await using var host = Build(
            web => web.WebHost.ConfigureKestrel(
                kestrel => kestrel.ConfigureEndpointDefaults(listen => listen.Protocols = HttpProtocols.Http1AndHttp2AndHttp3)),
            ("Listen", "8080"));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.StartsWith("HTTP/3 runs over QUIC", error.Message, StringComparison.Ordinal);
        Assert.Empty(host.Server.Listeners);
    }

    [Theory]
    [InlineData("default", false)]
    [InlineData("KeepHostUrls", true)]
    [InlineData("TakeAllEndpoints", false)]
    public async Task Rule_4_5_Urls_are_private_with_endpoints_of_the_section_too(string mode, bool open)
    {
        int port = FreePort.Tcp();
        await using var host = await StartAsync(
            web =>
            {
                web.WebHost.UseUrls($"http://127.0.0.1:{port}");
                if (mode != "default")
                {
                    web.Configuration[$"ZeroTier:{mode}"] = "true";
                }
            },
            ("Listen", "8080"));
        using var socket = new System.Net.Sockets.TcpClient();
        Assert.Equal(open, await Record.ExceptionAsync(() => socket.ConnectAsync("127.0.0.1", port, Cancel).AsTask()) is null);
        Assert.Equal("hello", await host.GetAsync(8080));
        Assert.Equal(mode == "default", host.Logs.Lines.Any(line => line.Event.Name == "HostUrlsLeftOut"));
        Assert.DoesNotContain(host.Logs.Lines, line => line.Text.Contains("Overriding address", StringComparison.Ordinal));
    }

    [Fact]
    public void Placeholders_are_addresses_that_no_machine_has()
    {
        var placeholder = Placeholder.Of(1, 8080);
        Assert.Equal("[100::7a74:0:1]:8080", placeholder.ToString());
        Assert.True(Placeholder.Is(placeholder));
        Assert.True(Placeholder.Is(BindingAddress.Parse($"https://{Placeholder.Of(int.MaxValue, 0)}")));
        Assert.False(Placeholder.Is(new IPEndPoint(IPAddress.IPv6Any, 8080)));
        Assert.False(Placeholder.Is(BindingAddress.Parse("http://localhost:5000")));
        Assert.False(Placeholder.Is(new ZeroTierEndPoint(FakeNetwork.DefaultId, 8080)));
    }

    private static void ReadByKestrel(WebApplicationBuilder web, string which)
    {
        if (which == "no section")
        {
            return;
        }

        web.WebHost.ConfigureKestrel((context, kestrel) =>
        {
            var loader = kestrel.Configure(
                context.Configuration.GetSection(which == "another section" ? "Mine" : "Kestrel"), reloadOnChange: true);
            if (which == "section that is loaded")
            {
                loader.Load();
            }
        });
    }

    private static TestHost Build(Action<WebApplicationBuilder>? builder, params (string Setting, string Value)[] settings) =>
        TestHost.Build(
            _ => { },
            web =>
            {
                foreach (var (setting, value) in settings)
                {
                    web.Configuration[$"ZeroTier:{setting}"] = value;
                }

                web.Services.AddHealthChecks().AddZeroTier();
                builder?.Invoke(web);
            });

    private static async Task<TestHost> StartAsync(Action<WebApplicationBuilder>? builder, params (string Setting, string Value)[] settings)
    {
        var host = Build(builder, settings);
        await host.App.StartAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        return host;
    }

    private static void Set(TestHost host, params (string Setting, string Value)[] settings)
    {
        var configuration = (IConfigurationRoot)host.App.Services.GetRequiredService<IConfiguration>();
        foreach (var (setting, value) in settings)
        {
            configuration[$"ZeroTier:{setting}"] = value;
        }

        configuration.Reload();
    }

    private static Task ServedAsync(TestHost host, params int[] ports) => TestHost.EventuallyAsync(
        () => host.Listeners.Listeners.Where(listener => listener.State == ListenerState.Attached)
            .Select(listener => listener.Port).Order()
            .SequenceEqual(ports),
        $"{string.Join(", ", ports)} are served, and no more");

    private static async Task RefusedAsync(TestHost host, int port)
    {
        var refused = await Assert.ThrowsAsync<ZeroTierException>(
            () => host.Client.ConnectAsync(
                new ZeroTierEndPoint(FakeNetwork.DefaultId, host.Server.IPv4, port), cancellationToken: Cancel).AsTask());
        Assert.Equal(ZeroTierError.ConnectionRefused, refused.Error);
    }

    private static bool Followed(TestHost host, string settings) =>
        host.Logs.Lines.Any(line => line.Text.Contains($"Taken into use: {settings}.", StringComparison.Ordinal));

    private static int Attached(TestHost host, int port) =>
        host.Logs.Lines.Count(line => line.Event.Name == "ListenerAttached" && line.Text.Contains($".zt:{port}", StringComparison.Ordinal));

    private static async Task<Version> VersionAsync(TestHost host, int port, Version version)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://10.147.17.1:{port}/")
        {
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var answer = await host.Http.SendAsync(request, Cancel);
        return answer.Version;
    }

    private static async Task<string> SubjectAsync(TestHost host, int port)
    {
        string subject = "";
        var connection = await host.Client.ConnectAsync(
            new ZeroTierEndPoint(FakeNetwork.DefaultId, host.Server.IPv4, port), cancellationToken: Cancel);
        await using var tls = new System.Net.Security.SslStream(new ZeroTierConnectionStream(connection), false, (_, certificate, _, _) =>
        {
            subject = certificate!.Subject;
            return true;
        });
        await tls.AuthenticateAsClientAsync("localhost").WaitAsync(TestHost.Limit, Cancel);
        return subject;
    }

    private static async Task<HealthReportEntry> CheckAsync(TestHost host) =>
        (await host.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel)).Entries["zerotier"];

    private string NewCertificate(string name)
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        var request = new CertificateRequest($"CN={name}", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string path = Path.Combine(_folder.FullName, $"{name}.pfx");
        File.WriteAllBytes(path, certificate.Export(X509ContentType.Pfx, "secret"));
        return path;
    }

    private sealed class OtherServer : IServer
    {
        public OtherServer() => Features.Set<IServerAddressesFeature>(new ServerAddressesFeature());

        public IFeatureCollection Features { get; } = new FeatureCollection();

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
            where TContext : notnull => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
        }
    }
}
