using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Service.AspNetCore;
using ZeroTier.Testing;

namespace Browser.Tests;

/// <summary>An app that serves on a network in memory, with its status page at a port of loopback.</summary>
public sealed class StatusApp : IPagesApp, IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DirectoryInfo _folder;

    private StatusApp(WebApplication app, DirectoryInfo folder, TestNetwork network)
    {
        _app = app;
        _folder = folder;
        Network = network;
        Address = new Uri(app.Urls.First(url => url.Contains("127.0.0.1", StringComparison.Ordinal)));
    }

    public TestNetwork Network { get; }

    public Uri Address { get; }

    public string Folder => "/zerotier/";

    public string Token => File.ReadAllText(TokenPath(_folder));

    public ZeroTierNode Node => _app.Services.GetRequiredService<ZeroTierNode>();

    public static async Task<StatusApp> StartAsync()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("zt-status-");
        TestNetwork network = await TestNetwork.StartAsync();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        builder.WebHost.UseZeroTier(zt => zt.Listen(8080));
        builder.WebHost.UseZeroTierTestNetwork(network);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        builder.Services.AddZeroTierService(options => options.TokenPath = TokenPath(folder));
        WebApplication app = builder.Build();
        app.MapGet("/", () => "hello");
        app.MapZeroTierStatus();
        await app.StartAsync();
        return new StatusApp(app, folder, network);
    }

    /// <summary>Another node calls the app.</summary>
    public async Task<NodeId> CallAsync()
    {
        ZeroTierNode caller = await Network.StartNodeAsync();
        using var handler = new ZeroTierHttpHandler(caller);
        using var client = new HttpClient(handler);
        string host = _app.Urls.First(url => url.Contains("[fc", StringComparison.Ordinal));
        Assert.Equal("hello", await client.GetStringAsync(new Uri(host)));
        return caller.Id;
    }

    /// <summary>Ends the app, as a crash would for whoever looks at its page.</summary>
    public ValueTask EndAsync() => _app.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        await Network.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static string TokenPath(DirectoryInfo folder) => Path.Combine(folder.FullName, "authtoken.secret");
}
