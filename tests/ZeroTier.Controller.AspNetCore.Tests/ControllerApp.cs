using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed;
using ZeroTier.Service.AspNetCore;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore.Tests;

/// <summary>An app with a controller whose node is silent, on the test server, or on Kestrel at a port of loopback.</summary>
internal sealed class ControllerApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DirectoryInfo _folder;
    private readonly NodeIdentity _identity;

    private ControllerApp(WebApplication app, DirectoryInfo folder, NodeIdentity identity, NetworkController controller, HttpClient client)
    {
        _app = app;
        _folder = folder;
        _identity = identity;
        Controller = controller;
        Client = client;
    }

    public NetworkController Controller { get; }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public string TokenPath => Path.Combine(_folder.FullName, "home", "authtoken.secret");

    public string Token => File.ReadAllText(TokenPath);

    public static async Task<ControllerApp> StartAsync(
        Action<ZeroTierServiceOptions>? configure = null, Action<WebApplicationBuilder>? build = null, Action<WebApplication>? map = null,
        bool onKestrel = false, IPAddress? from = null, bool sendsToken = true)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("zt-api-");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        if (onKestrel)
        {
            builder.WebHost.UseUrls("http://127.0.0.1:0");
        }
        else
        {
            builder.WebHost.UseTestServer();
        }

        builder.Services.AddZeroTierController();
        builder.Services.Configure<ZeroTierServiceOptions>(options =>
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
            app.MapZeroTierController();
        }
        else
        {
            map(app);
        }

        await app.StartAsync();
        NetworkController controller = await app.Services.GetRequiredService<NetworkControllerHost>().GetAsync();
        NodeIdentity identity = NodeIdentity.Parse(RecordedCases.Identity);
        ((INetworkController)controller).Start(new SilentPort(identity));
        HttpClient client = onKestrel ? new HttpClient { BaseAddress = new Uri(app.Urls.First()) } : app.GetTestClient();
        var result = new ControllerApp(app, folder, identity, controller, client);
        if (sendsToken)
        {
            client.DefaultRequestHeaders.Add(ApiGuard.TokenHeader, result.Token);
        }

        return result;
    }

    /// <summary>Sends JSON, and gives status and text of the answer.</summary>
    public async Task<(HttpStatusCode Status, string Text)> SendAsync(
        string method, string path, string? body = null, string? contentType = "application/json")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new StringContent(body);
            request.Content.Headers.ContentType = contentType is null ? null : new MediaTypeHeaderValue(contentType);
        }

        using HttpResponseMessage response = await Client.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        _identity.Dispose();
        _folder.Delete(recursive: true);
    }
}
