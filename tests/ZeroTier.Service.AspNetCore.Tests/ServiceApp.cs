using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using ZeroTier.Hosting.Node;
using ZeroTier.Testing;

namespace ZeroTier.Service.AspNetCore.Tests;

/// <summary>An app that serves the API of its node, which is on a network in memory, or one that the test gives.</summary>
internal sealed class ServiceApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DirectoryInfo _folder;
    private readonly TestNetwork? _network;

    private ServiceApp(WebApplication app, DirectoryInfo folder, TestNetwork? network, HttpClient client)
    {
        _app = app;
        _folder = folder;
        _network = network;
        Client = client;
    }

    public HttpClient Client { get; }

    public ZeroTierNode Node => _app.Services.GetRequiredService<ZeroTierNode>();

    public Uri Address => new(_app.Urls.First());

    public string Token => File.ReadAllText(Path.Combine(_folder.FullName, "home", "authtoken.secret"));

    public string MetricsToken => File.ReadAllText(Path.Combine(_folder.FullName, "home", "metricstoken.secret"));

    public static async Task<ServiceApp> StartAsync(
        Action<ZeroTierServiceOptions>? configure = null, ZeroTierNode? node = null, Action<WebApplicationBuilder>? build = null,
        Action<WebApplication>? map = null, IPAddress? from = null, bool sendsToken = true, bool onKestrel = false)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("zt-service-");
        TestNetwork? network = node is null ? await TestNetwork.StartAsync() : null;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        if (!onKestrel)
        {
            builder.WebHost.UseTestServer();
        }

        if (network is not null)
        {
            builder.Services.AddZeroTierTestNetwork(network);
        }
        else
        {
            builder.Services.AddZeroTier(options => options.Networks.Add(TestNetwork.Network.ToString()));
            builder.Services.Replace(ServiceDescriptor.Singleton<INodeFactory>(new GivenNode(node!)));
        }

        builder.Services.AddZeroTierService(options =>
        {
            options.TokenPath = Path.Combine(folder.FullName, "home", "authtoken.secret");
            configure?.Invoke(options);
        });
        build?.Invoke(builder);
        WebApplication app = builder.Build();
        if (!onKestrel)
        {
            app.Use((context, next) =>
            {
                context.Connection.RemoteIpAddress = from ?? IPAddress.Loopback;
                return next(context);
            });
        }

        if (map is null)
        {
            app.MapZeroTierService();
        }
        else
        {
            map(app);
        }

        await app.StartAsync();
        var result = new ServiceApp(
            app, folder, network, onKestrel ? new HttpClient { BaseAddress = new Uri(app.Urls.First()) } : app.GetTestClient());
        if (sendsToken)
        {
            result.Client.DefaultRequestHeaders.Add("X-ZT1-Auth", result.Token);
        }

        return result;
    }

    /// <summary>Sends a body, and gives status, type and text of the answer.</summary>
    public async Task<(HttpStatusCode Status, string? Type, string Text)> SendAsync(string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new StringContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        using HttpResponseMessage response = await Client.SendAsync(request);
        return (response.StatusCode, response.Content.Headers.ContentType?.ToString(), await response.Content.ReadAsStringAsync());
    }

    public async Task<HttpStatusCode> StatusAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using HttpResponseMessage response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        if (_network is not null)
        {
            await _network.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    private sealed class GivenNode(ZeroTierNode node) : INodeFactory
    {
        public ValueTask<NodeLease> CreateAsync(ZeroTier.Hosting.ZeroTierNodeOptions options, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new NodeLease(node));
    }
}
