using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Section 4 of the transport contract.</summary>
public class EndpointTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Rule_4_1_The_endpoint_is_not_an_IPEndPoint() => Assert.False(typeof(IPEndPoint).IsAssignableFrom(typeof(ZeroTierEndPoint)));

    [Fact]
    public async Task Rule_4_1_Even_with_sockets_asked_first_the_endpoint_is_ours()
    {
        await using var host = TestHost.Build(
            builder: web =>
                web.Services.AddSingleton<
                    IConnectionListenerFactory, Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets.SocketTransportFactory>());
        Assert.IsNotType<ListenerFactory>(host.App.Services.GetServices<IConnectionListenerFactory>().Last());
        await host.App.StartAsync(Cancel);
        Assert.Equal("hello", await host.GetAsync());
    }

    [Fact]
    public async Task Rule_4_2_The_name_of_a_node_without_an_address_is_a_url_authority_too()
    {
        await using var host = await TestHost.StartAsync(network: new FakeNetwork { ReadyOnJoin = false });
        var endPoint = Assert.Single(host.Listeners.Listeners).EndPoint;
        Assert.Equal(endPoint.ToString(), new Uri($"http://{endPoint}").Authority);
        Assert.Equal(AddressFamily.Unspecified, endPoint.AddressFamily);
    }

    [Theory]
    [InlineData(true, "http://10.147.17.1:8080")]
    [InlineData(false, "http://aa00000001.8056c2e21c000001.zt:8080")]
    public async Task Rule_4_3_The_server_address_can_be_called(bool up, string expected)
    {
        var network = new FakeNetwork { ReadyOnJoin = up };
        await using var host = await TestHost.StartAsync(network: network);
        Assert.Equal([expected], host.Addresses);
        if (!up)
        {
            network.ReadyOnJoin = true;
            host.Server.SetReady(true);
            await TestHost.EventuallyAsync(() => host.Server.Listeners.Count == 1, "attached");
        }

        Assert.Equal("hello", await host.Http.GetStringAsync(host.Addresses.Single(), Cancel));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rule_4_4_Port_0_is_a_real_port(bool up)
    {
        var network = new FakeNetwork { ReadyOnJoin = up };
        await using var host = await TestHost.StartAsync(zt => zt.Listen(0).Listen(0), network: network);
        var uris = host.Addresses.Select(a => new Uri(a)).ToArray();
        Assert.Equal(2, uris.Length);
        Assert.NotEqual(uris[0].Port, uris[1].Port);
        Assert.All(uris, uri => Assert.NotEqual(0, uri.Port));
        Assert.DoesNotContain(host.Logs.Lines, line => line.Event.Name == "EndPointsNotBound");
        host.Server.SetReady(true);
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Count == 2, "attached");
        Assert.Equal("hello", await host.Http.GetStringAsync(uris[0], Cancel));
        Assert.Equal("hello", await host.Http.GetStringAsync(uris[1], Cancel));
    }

    [Theory]
    [InlineData("nothing", "default")]
    [InlineData("nothing", "keep")]
    [InlineData("nothing", "take")]
    [InlineData("urls", "default")]
    [InlineData("urls", "keep")]
    [InlineData("urls", "take")]
    [InlineData("ports", "default")]
    [InlineData("ports", "keep")]
    [InlineData("ports", "take")]
    [InlineData("UseUrls", "default")]
    [InlineData("UseUrls", "keep")]
    [InlineData("UseUrls", "take")]
    public async Task Rule_4_5_Urls_are_private_by_default(string source, string mode)
    {
        int port = source == "nothing" ? 5000 : FreePort.Tcp();
        await using var host = TestHost.Build(
            zt =>
            {
                zt.Listen(8080);
                zt.KeepHostUrls = mode == "keep";
                zt.TakeAllEndpoints = mode == "take";
            },
            web =>
            {
                if (source is "urls" or "ports")
                {
                    web.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
                    {
                        [source == "urls" ? "urls" : "http_ports"] = source == "urls" ? $"http://127.0.0.1:{port}" : $"{port}",
                    });
                }
                else if (source == "UseUrls")
                {
                    web.WebHost.UseUrls($"http://127.0.0.1:{port}");
                }
            });
        await host.App.StartAsync(Cancel);
        Assert.Equal(mode == "keep", HostAccepts(port));
        Assert.Equal("hello", await host.GetAsync(8080));
        if (mode == "take")
        {
            Assert.Equal("hello", await host.GetAsync(port));
        }

        var left = host.Logs.Lines.Where(line => line.Event.Name == "HostUrlsLeftOut").ToArray();
        Assert.Equal(mode == "default" && source != "nothing" ? 1 : 0, left.Length);
        Assert.All(left, line => Assert.Contains($":{port}", line.Text, StringComparison.Ordinal));
        Assert.All(left, line => Assert.Equal(LogLevel.Information, line.Level));
        Assert.DoesNotContain(host.Logs.Lines, line => line.Text.Contains("Overriding address", StringComparison.Ordinal));
        Assert.Equal(mode == "keep" && source == "ports", host.Logs.Lines.Any(line => line.Event.Name == "HostUrlIsPublic"));
    }

    [Theory]
    [InlineData("http://app.localhost:{0}", "Production", false)]
    [InlineData("http://localhost:{0}", "Production", false)]
    [InlineData("http://*:{0}", "Production", true)]
    [InlineData("http://*:{0}", "Development", false)]
    public async Task Rule_4_5_A_url_that_is_kept_and_public_is_named_outside_Development(string format, string environment, bool named)
    {
        int port = FreePort.Tcp();
        await using var host = TestHost.Build(
            zt => zt.Listen(8080).KeepHostUrls = true,
            web => web.WebHost.UseUrls(string.Format(System.Globalization.CultureInfo.InvariantCulture, format, port)),
            environment: environment);
        await host.App.StartAsync(Cancel);
        Assert.True(HostAccepts(port));
        Assert.Equal(named, host.Logs.Lines.Any(line => line.Event.Name == "HostUrlIsPublic"));
    }

    [Fact]
    public async Task Rule_4_5_A_url_with_https_is_kept_with_TLS()
    {
        int port = FreePort.Tcp();
        using var key = System.Security.Cryptography.ECDsa.Create();
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=localhost", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await using var host = await TestHost.StartAsync(
            zt => zt.Listen(8080).KeepHostUrls = true,
            web =>
            {
                web.WebHost.UseUrls($"https://127.0.0.1:{port}");
                web.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = certificate));
            });
        Assert.Contains($"https://127.0.0.1:{port}", host.Addresses);
        Assert.Contains("http://10.147.17.1:8080", host.Addresses);
    }

    [Fact]
    public async Task Rule_4_6_Endpoints_of_the_configuration_section_survive()
    {
        int port = FreePort.Tcp();
        await using var host = TestHost.Build(builder: web =>
        {
            ConfigureKestrel(web, ("Endpoints:Http:Url", $"http://127.0.0.1:{port}"));
        });
        await host.App.StartAsync(Cancel);
        using var sockets = new HttpClient();
        Assert.Equal("hello", await sockets.GetStringAsync($"http://127.0.0.1:{port}/", Cancel));
        Assert.Equal("hello", await host.GetAsync());
    }

    [Fact]
    public async Task Rule_4_7_PreferHostingUrls_is_reported()
    {
        int port = FreePort.Tcp();
        await using var host = TestHost.Build(builder: web =>
        {
            web.WebHost.UseUrls($"http://127.0.0.1:{port}").PreferHostingUrls(true);
            web.Services.AddHealthChecks().AddZeroTier();
        });
        await host.App.StartAsync(Cancel);
        var warning = Assert.Single(host.Logs.Lines, line => line.Event.Name == "EndPointsNotBound");
        Assert.Equal(LogLevel.Warning, warning.Level);
        Assert.Contains("PreferHostingUrls", warning.Text, StringComparison.Ordinal);
        var report = await host.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("PreferHostingUrls", report.Entries["zerotier"].Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_4_7_PreferHostingUrls_without_urls_changes_nothing()
    {
        await using var host = await TestHost.StartAsync(
            zt =>
            {
                zt.Listen(8080);
                zt.TakeAllEndpoints = true;
            },
            web => web.WebHost.PreferHostingUrls(true));
        Assert.Equal("hello", await host.GetAsync());
        Assert.Equal("hello", await host.GetAsync(5000));
    }

    [Theory]
    [InlineData("zerotier://8056c2e21c000001:8080")]
    [InlineData("http://my-node.zt:8080")]
    [InlineData("http://aa00000001.8056c2e21c000001.zt:8080")]
    public async Task Rule_4_8_Urls_that_mean_a_network_are_refused_and_nothing_listens(string url)
    {
        await using var host = TestHost.Build(builder: web => web.WebHost.UseUrls(url));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.Contains(url, error.Message, StringComparison.Ordinal);
        Assert.Contains("zt.Listen(8080)", error.Message, StringComparison.Ordinal);
        Assert.Empty(host.Server.Listeners);
    }

    [Theory]
    [InlineData("http://my-node.zt:{0}")]
    [InlineData("http://my-node.ZT.:{0}")]
    [InlineData("zerotier://8056c2e21c000001:{0}")]
    public async Task Rule_4_8_Configured_endpoints_that_mean_a_network_are_refused_and_nothing_listens(string format)
    {
        int port = FreePort.Tcp();
        string url = string.Format(System.Globalization.CultureInfo.InvariantCulture, format, port);
        await using var host = TestHost.Build(builder: web => ConfigureKestrel(web, ("Endpoints:Mine:Url", url)));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.Contains("Kestrel:Endpoints:Mine:Url", error.Message, StringComparison.Ordinal);
        Assert.Contains("ZeroTier__Listen=8080", error.Message, StringComparison.Ordinal);
        Assert.Empty(host.Server.Listeners);
        Assert.False(HostAccepts(port));
    }

    [Theory]
    [InlineData(HttpProtocols.Http3)]
    [InlineData(HttpProtocols.Http1AndHttp2AndHttp3)]
    public async Task Rule_4_9_Http3_is_refused_on_our_endpoints(HttpProtocols protocols)
    {
        await using var host = TestHost.Build(zt => zt.Listen(8080, listen => listen.Protocols = protocols));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.StartsWith("HTTP/3 runs over QUIC", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_4_9_Http3_is_refused_on_endpoints_that_move()
    {
        await using var host = TestHost.Build(
            zt => zt.TakeAllEndpoints = true,
            web => web.WebHost.ConfigureKestrel(
                k => k.Listen(IPAddress.Loopback, 5001, l => l.Protocols = HttpProtocols.Http1AndHttp2AndHttp3)));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.StartsWith("HTTP/3 runs over QUIC", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Protocols", "Http1AndHttp2AndHttp3")]
    [InlineData("EndpointDefaults", "Http3")]
    public async Task Rule_4_9_Http3_is_refused_on_configured_endpoints_that_move(string where, string protocols)
    {
        int port = FreePort.Tcp();
        string setting = where == "Protocols" ? "Endpoints:Mine:Protocols" : "EndpointDefaults:Protocols";
        await using var host = TestHost.Build(
            zt => zt.TakeAllEndpoints = true,
            web => ConfigureKestrel(web, ("Endpoints:Mine:Url", $"https://127.0.0.1:{port}"), (setting, protocols)));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.StartsWith("HTTP/3 runs over QUIC", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("url", "code")]
    [InlineData("url", "section")]
    [InlineData("default url", "code")]
    [InlineData("endpoint", "code")]
    public async Task Rule_4_9_Http3_by_default_is_refused_where_endpoints_move(string endpoint, string defaults)
    {
        await using var host = TestHost.Build(
            zt => zt.TakeAllEndpoints = true,
            web =>
            {
                var settings = new List<(string, string)>();
                if (endpoint == "endpoint")
                {
                    settings.Add(("Endpoints:Mine:Url", "http://127.0.0.1:5001"));
                }

                if (defaults == "section")
                {
                    settings.Add(("EndpointDefaults:Protocols", "Http1AndHttp2AndHttp3"));
                }

                ConfigureKestrel(web, [.. settings]);
                if (endpoint == "url")
                {
                    web.WebHost.UseUrls("http://127.0.0.1:5001");
                }

                if (defaults == "code")
                {
                    web.WebHost.ConfigureKestrel(
                        kestrel => kestrel.ConfigureEndpointDefaults(listen => listen.Protocols = HttpProtocols.Http1AndHttp2AndHttp3));
                }
            });
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.StartsWith("HTTP/3 runs over QUIC", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_4_9_Http3_by_default_is_no_matter_where_an_endpoint_says_otherwise()
    {
        await using var host = TestHost.Build(
            zt => zt.TakeAllEndpoints = true,
            web => ConfigureKestrel(
                web,
                ("Endpoints:Mine:Url", "http://127.0.0.1:5001"),
                ("Endpoints:Mine:Protocols", "Http1"),
                ("EndpointDefaults:Protocols", "Http1AndHttp2AndHttp3")));
        await host.App.StartAsync(Cancel);
        Assert.Equal("hello", await host.GetAsync(5001));
    }

    [Fact]
    public async Task Rule_4_9_Unix_sockets_stay_on_the_host()
    {
        string path = Path.Combine(Path.GetTempPath(), $"zt-{Guid.NewGuid():n}.sock");
        await using var host = await TestHost.StartAsync(
            zt => zt.TakeAllEndpoints = true, web => web.WebHost.UseUrls($"http://unix:{path}"));
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        Assert.Equal("hello", await http.GetStringAsync("http://localhost/", Cancel));
    }

    [Theory]
    [InlineData(null, 5000)]
    [InlineData("http://localhost:5010", 5010)]
    [InlineData("http://app.localhost:5014", 5014)]
    [InlineData("http://*:5011", 5011)]
    [InlineData("http://+:5015", 5015)]
    [InlineData("http://any-name:5016", 5016)]
    [InlineData("http://0.0.0.0:5017", 5017)]
    [InlineData("http://[::]:5018", 5018)]
    [InlineData("http://127.0.0.1:5012", 5012)]
    [InlineData("http://[::1]:5013", 5013)]
    public async Task Rule_4_9_TakeAllEndpoints_opens_nothing_on_the_host(string? url, int port)
    {
        await using var host = TestHost.Build(zt => zt.TakeAllEndpoints = true, web =>
        {
            if (url is not null)
            {
                web.WebHost.UseUrls(url);
            }
        });
        await host.App.StartAsync(Cancel);
        Assert.False(HostAccepts(port));
        var address = url is "http://[::1]:5013" ? host.Server.IPv6 : host.Server.IPv4;
        Assert.Equal("hello", await host.Http.GetStringAsync($"http://{new IPEndPoint(address, port)}/", Cancel));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rule_4_4_Port_0_stays_within_the_ports_of_its_network(bool up)
    {
        var network = new FakeNetwork { Id = NetworkId.AdHoc(8080, 8082), ReadyOnJoin = up };
        await using var host = await TestHost.StartAsync(zt => zt.Listen(0).Listen(0).Listen(0), network: network);
        Assert.Equal([8080, 8081, 8082], host.Listeners.Listeners.Select(listener => listener.Port).Order());

        await using var tooMany = TestHost.Build(
            zt => zt.Listen(0).Listen(0).Listen(0).Listen(0), network: new FakeNetwork { Id = network.Id });
        var error = await Assert.ThrowsAsync<IOException>(() => tooMany.App.StartAsync(Cancel));
        Assert.Contains("8080 to 8082", error.InnerException!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_4_5_KeepHostUrls_adds_no_default_url_beside_endpoints_of_the_application()
    {
        int port = FreePort.Tcp();
        await using var host = await TestHost.StartAsync(
            zt =>
            {
                zt.Listen(8080);
                zt.KeepHostUrls = true;
            },
            web => ConfigureKestrel(web, ("Endpoints:Mine:Url", $"http://127.0.0.1:{port}")));
        Assert.True(HostAccepts(port));
        Assert.Equal(2, host.Addresses.Count);
    }

    [Fact]
    public async Task Rule_4_5_KeepHostUrls_refuses_a_path_base_as_Kestrel_does()
    {
        await using var host = TestHost.Build(
            zt =>
            {
                zt.Listen(8080);
                zt.KeepHostUrls = true;
            },
            web => web.WebHost.UseUrls("http://127.0.0.1:5001/base"));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.Contains("UsePathBase", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_5_1_A_port_that_is_taken_fails_the_start_and_frees_the_other()
    {
        await using var host = TestHost.Build(
            zt => zt.Listen(8080)
                .Listen(8081, listen => listen.KestrelServerOptions.Listen(new ZeroTierEndPoint(FakeNetwork.DefaultId, 8080))));
        var error = await Assert.ThrowsAsync<IOException>(() => host.App.StartAsync(Cancel));
        Assert.IsType<AddressInUseException>(error.InnerException);
        Assert.Contains("8056c2e21c000001.zt:8080", error.Message, StringComparison.Ordinal);
        Assert.Empty(host.Server.Listeners);
        Assert.Empty(host.Listeners.Listeners);
    }

    [Fact]
    public async Task Rule_5_1_A_port_that_is_taken_on_one_network_is_free_on_another()
    {
        await using var host = await TestHost.StartAsync(zt =>
        {
            zt.Networks.Add("1234567890abcdef");
            zt.Listen(8080);
        });
        Assert.Equal(2, host.Listeners.Listeners.Count);
        Assert.All(host.Listeners.Listeners, listener => Assert.Equal(8080, listener.Port));
        Assert.Equal("hello", await host.GetAsync());
    }

    [Fact]
    public void Rule_4_3_An_address_without_a_network_is_bound_once()
    {
        var options = new ZeroTierOptions { Networks = { "8056c2e21c000001", "1234567890abcdef" } };
        options.ListenEntries.Add(new ListenEntry(null, IPAddress.Parse("10.147.17.1"), 80, null));
        var bound = Assert.Single(KestrelEndpoints.Configured(options));
        Assert.Equal(new ZeroTierEndPoint(FakeNetwork.DefaultId, IPAddress.Parse("10.147.17.1"), 80), bound);
    }

    [Fact]
    public async Task A_network_may_be_named_by_its_id()
    {
        await using var host = await TestHost.StartAsync(
            zt => zt.Listen(FakeNetwork.DefaultId, 8080).Listen(FakeNetwork.DefaultId, IPAddress.Parse("10.147.17.1"), 8081));
        Assert.Equal(["http://10.147.17.1:8080", "http://10.147.17.1:8081"], host.Addresses.Order());
        Assert.Equal("hello", await host.GetAsync());
    }

    [Fact]
    public async Task ListenZeroTier_serves_as_the_options_do()
    {
        bool configured = false;
        await using var host = await TestHost.StartAsync(_ => { }, web => web.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ListenZeroTier(8080);
            kestrel.ListenZeroTier(FakeNetwork.DefaultId, 8081, listen => configured = listen.EndPoint is ZeroTierEndPoint);
            kestrel.ListenZeroTier(FakeNetwork.DefaultId, IPAddress.Parse("10.147.17.1"), 8082);
        }));
        Assert.True(configured);
        Assert.Equal(["http://10.147.17.1:8080", "http://10.147.17.1:8081", "http://10.147.17.1:8082"], host.Addresses.Order());
        Assert.Equal("hello", await host.GetAsync(8081));
        Assert.DoesNotContain(host.Logs.Lines, line => line.Event.Name == "NoEndPoint");
    }

    [Fact]
    public async Task ListenZeroTier_is_left_out_where_ZeroTier_is_not_enabled()
    {
        await using var host = await TestHost.StartAsync(zt => zt.Enabled = false, web =>
            web.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.ListenZeroTier(8080)));
        Assert.StartsWith("http://127.0.0.1:", Assert.Single(host.Addresses), StringComparison.Ordinal);
    }

    [Fact]
    public void ListenZeroTier_without_UseZeroTier_says_what_to_call()
    {
        var error = Assert.Throws<InvalidOperationException>(() => TestHost.Build(
            builder: web => web.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenZeroTier(8080)), useZeroTier: false));
        Assert.Contains("builder.WebHost.UseZeroTier()", error.Message, StringComparison.Ordinal);
    }

    private static void ConfigureKestrel(WebApplicationBuilder web, params (string Key, string Value)[] settings)
    {
        web.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"Kestrel:{s.Key}", (string?)s.Value)));
        web.WebHost.ConfigureKestrel((context, kestrel) => kestrel.Configure(context.Configuration.GetSection("Kestrel")));
    }

    private static bool HostAccepts(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
