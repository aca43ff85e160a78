using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Controller.AspNetCore;
using ZeroTier.Controller.AspNetCore.Tests;
using ZeroTier.Managed;
using ZeroTier.Service.AspNetCore;
using ZeroTier.TestSupport;

namespace Browser.Tests;

/// <summary>An app on Kestrel at a port of loopback with the admin pages, whose controller has a node that reaches nobody.</summary>
public sealed class AdminApp : IPagesApp, IAsyncDisposable
{
    private static readonly Actor Somebody = new("somebody else");

    private readonly WebApplication _app;
    private readonly DirectoryInfo _folder;
    private ulong _packet;

    private AdminApp(
        WebApplication app, DirectoryInfo folder, NetworkController controller, ConcurrentQueue<(string Method, int Status)> statuses)
    {
        Statuses = statuses;
        _app = app;
        _folder = folder;
        Controller = controller;
        Address = new Uri(app.Urls.First());
    }

    public NetworkController Controller { get; }

    public Uri Address { get; }

    public string Folder => "/admin/";

    /// <summary>How requests were answered.</summary>
    public IReadOnlyCollection<(string Method, int Status)> Statuses { get; }

    public string Token => File.ReadAllText(TokenPath(_folder));

    public static async Task<AdminApp> StartAsync(
        Action<WebApplicationBuilder>? build = null, Action<IEndpointConventionBuilder>? protect = null, TimeProvider? time = null)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("zt-pages-");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddZeroTierController();
        builder.Services.Configure<ZeroTierServiceOptions>(options => options.TokenPath = TokenPath(folder));
        build?.Invoke(builder);
        WebApplication app = builder.Build();
        var statuses = new ConcurrentQueue<(string Method, int Status)>();
        app.Use(async (context, next) =>
        {
            await next(context);
            statuses.Enqueue((context.Request.Method, context.Response.StatusCode));
        });
        IEndpointConventionBuilder pages = app.MapZeroTierAdmin();
        protect?.Invoke(pages);
        await app.StartAsync();
        NetworkController controller = await app.Services.GetRequiredService<NetworkControllerHost>().GetAsync();
        ((INetworkController)controller).Start(new SilentPort(TestIdentities.All[0]));
        return new AdminApp(app, folder, controller, statuses);
    }

    /// <summary>Makes a network with an IPv4 range.</summary>
    public Task<ControllerNetwork> CreateNetworkAsync(string name) => Controller.CreateNetworkAsync(
        network => network with
        {
            Name = name,
            AssignsIPv4 = true,
            Routes = [new NetworkRoute(IPAddress.Parse("10.147.20.0"), 24, null)],
            AddressPools = [new AddressPool(IPAddress.Parse("10.147.20.1"), IPAddress.Parse("10.147.20.254"))],
        },
        Somebody);

    /// <summary>A node asks to join.</summary>
    public void Ask(NetworkId network, string node) => ((INetworkController)Controller).OnRequest(
        new ControllerRequest(
            network, TestIdentities.At(NodeId.Parse(node)), ++_packet, "v=7\npv=c\nmajv=1\nminv=e\nrevv=2\n"u8.ToArray()));

    /// <summary>Somebody else changes a member.</summary>
    public Task ChangeAsync(NetworkId network, string node, Func<ControllerMember, ControllerMember> change) =>
        Controller.UpdateMemberAsync(network, NodeId.Parse(node), change, null, Somebody);

    /// <summary>Somebody else changes a network.</summary>
    public Task ChangeAsync(NetworkId network, Func<ControllerNetwork, ControllerNetwork> change) =>
        Controller.UpdateNetworkAsync(network, change, null, Somebody);

    public ControllerMember Member(NetworkId network, string node) => Controller.FindMember(network, NodeId.Parse(node))!.Member;

    private static string TokenPath(DirectoryInfo folder) => Path.Combine(folder.FullName, ZeroTierServiceOptions.TokenFileName);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
