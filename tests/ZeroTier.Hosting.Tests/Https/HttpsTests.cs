using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ZeroTier.Hosting.Tests.Https;

/// <summary>Apps that serve https with the certificate of their node, and their clients.</summary>
public sealed class HttpsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Http_client_calls_by_name_and_address_and_gets_http_2()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        await using var app = await StartAsync(
            network, web => web.WebHost.UseZeroTier(zt => zt.Listen(8443, listen => listen.UseZeroTierHttps())));
        var server = app.Services.GetRequiredService<ZeroTierNode>().Id;
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddZeroTierTestNetwork(network);
        builder.AddZeroTier(zt => zt.Hosts["orders"] = $"{server}").Services.AddHttpClient("server").AddZeroTier();
        using var host = builder.Build();
        await host.StartAsync(Cancel);
        var client = host.Services.GetRequiredService<IHttpClientFactory>().CreateClient("server");
        client.DefaultRequestVersion = HttpVersion.Version20;

        string[] hosts =
        [
            "orders",
            $"{server}.zt",
            ZeroTierName.Of(server, Testing.TestNetwork.Network),
            $"[{Testing.TestNetwork.Network.GetSixPlaneAddress(server)}]",
        ];
        foreach (string name in hosts)
        {
            Assert.Equal("HTTP/2", await client.GetStringAsync($"https://{name}:8443/", Cancel));
        }

        await host.StopAsync(Cancel);
    }

    [Fact]
    public async Task Configuration_gives_an_endpoint_https()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        await using var app = await StartAsync(network, web =>
        {
            web.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["ZeroTier:Listen:0:Port"] = "8443",
                ["ZeroTier:Listen:0:Https"] = "true",
                ["ZeroTier:Listen:0:Protocols"] = "Http1",
            });
            web.WebHost.UseZeroTier();
        });
        using var client = await network.CreateClientAsync(app.Services, Cancel);
        client.DefaultRequestVersion = HttpVersion.Version20;

        Assert.Equal(Uri.UriSchemeHttps, client.BaseAddress!.Scheme);
        Assert.StartsWith(
            "https://[fc",
            Assert.Single(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses),
            StringComparison.Ordinal);
        Assert.Equal("HTTP/1.1", await client.GetStringAsync("/", Cancel));
    }

    [Fact]
    public async Task Handler_of_ones_own_takes_the_check_beside_the_callback()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        await using var app = await StartAsync(
            network, web => web.WebHost.UseZeroTier(zt => zt.Listen(8443, listen => listen.UseZeroTierHttps())));
        var address = await network.GetBaseAddressAsync(app.Services, Cancel);
        var node = await network.StartNodeAsync(Cancel);
        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = node.ConnectCallback,
            UseProxy = false,
            SslOptions = { RemoteCertificateValidationCallback = node.ValidateServerCertificate },
        });
        using var unchecking = new HttpClient(new SocketsHttpHandler { ConnectCallback = node.ConnectCallback, UseProxy = false });

        Assert.Equal("HTTP/1.1", await client.GetStringAsync(address, Cancel));
        await Assert.ThrowsAsync<HttpRequestException>(() => unchecking.GetStringAsync(address, Cancel));
    }

    [Fact]
    public async Task Refusal_tells_the_reason()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        await using var app = await StartAsync(
            network, web => web.WebHost.UseZeroTier(zt => zt.Listen(8443, listen => listen.UseZeroTierHttps())));
        using var client = await network.CreateClientAsync(app.Services, Cancel);

        // The header decides whom TLS is to prove.
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = "shop.example" } };
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync(request, Cancel));

        Assert.Contains("'shop.example' does not say which one is meant", error.InnerException!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Code_takes_the_certificate_as_a_service()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        await using var app = await StartAsync(network, web => web.WebHost.UseZeroTier(zt => zt.Listen(8443, listen =>
        {
            var certificate = listen.ApplicationServices.GetRequiredService<ZeroTierCertificate>();
            listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => certificate.Get());
        })));
        using var client = await network.CreateClientAsync(app.Services, Cancel);

        Assert.Equal("HTTP/1.1", await client.GetStringAsync("/", Cancel));
    }

    [Fact]
    public async Task Certificate_of_an_authority_of_ones_own_is_accepted_by_who_trusts_it()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        var authorityRequest = new CertificateRequest("CN=authority", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = authorityRequest.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("shop");
        var request = new CertificateRequest("CN=shop", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, now.AddHours(-1), now.AddHours(1), [1]).CopyWithPrivateKey(key);
        await using var app = await StartAsync(
            network, web => web.WebHost.UseZeroTier(zt => zt.Listen(8443, listen => listen.UseHttps(certificate))));
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddZeroTierTestNetwork(network);
        builder.AddZeroTier(zt =>
        {
            zt.Hosts["shop"] = $"{app.Services.GetRequiredService<ZeroTierNode>().Id}";
            zt.Hosts["other"] = zt.Hosts["shop"];
        });
        builder.Services.AddHttpClient("stranger").AddZeroTier();
        builder.Services.AddHttpClient("friend").AddZeroTier().ConfigurePrimaryHttpMessageHandler((handler, _) =>
            ((ZeroTierHttpHandler)handler).SocketsHandler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { authority },
                RevocationMode = X509RevocationMode.NoCheck,
            });
        using var host = builder.Build();
        await host.StartAsync(Cancel);
        var clients = host.Services.GetRequiredService<IHttpClientFactory>();

        Assert.Equal("HTTP/1.1", await clients.CreateClient("friend").GetStringAsync("https://shop:8443/", Cancel));
        var named = await Assert.ThrowsAsync<HttpRequestException>(
            () => clients.CreateClient("friend").GetStringAsync("https://other:8443/", Cancel));
        Assert.Contains("is not trusted (RemoteCertificateNameMismatch", named.InnerException!.Message, StringComparison.Ordinal);
        var unknown = await Assert.ThrowsAsync<HttpRequestException>(
            () => clients.CreateClient("stranger").GetStringAsync("https://shop:8443/", Cancel));
        Assert.Contains("is not trusted (RemoteCertificateChainErrors", unknown.InnerException!.Message, StringComparison.Ordinal);
        await host.StopAsync(Cancel);
    }

    private static async Task<WebApplication> StartAsync(Testing.TestNetwork network, Action<WebApplicationBuilder> configure)
    {
        var builder = WebApplication.CreateSlimBuilder();
        configure(builder);
        builder.WebHost.UseZeroTierTestNetwork(network);
        var app = builder.Build();
        app.MapGet("/", (HttpContext context) => context.Response.WriteAsync(context.Request.Protocol));
        await app.StartAsync(Cancel);
        return app;
    }
}
