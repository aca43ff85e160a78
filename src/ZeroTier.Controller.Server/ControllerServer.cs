using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ZeroTier.Cli;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace ZeroTier.Controller.Server;

/// <summary>The server process: a node that is the controller and usually also the root, and a web app on loopback.</summary>
internal static class ControllerServer
{
    // The file in which zt, and tools for ZeroTierOne, find the TCP port of the API.
    private const string PortFileName = "zerotier-one.port";

    // Less than the ten seconds after which container engines kill a process.
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(8);

    // Every other configuration source overrides these, such as appsettings.json in the storage folder. The host's own log of a failed
    // start is off: Program prints the error as the last line.
    private static readonly MemoryConfigurationSource Defaults = new()
    {
        InitialData =
        [
            new("Logging:LogLevel:Microsoft.AspNetCore", "Warning"),
            new("Logging:LogLevel:Microsoft.Extensions.Hosting", "Critical"),
        ],
    };

    public static async Task<int> RunAsync(ServerSettings settings, CancellationToken cancellationToken)
    {
        // First, because a malformed connection string throws here, before anything is written to the folder.
        var store = settings.Store.Create();
        var root = settings.Root is { } options ? await PrivateRoot.PrepareAsync(options, cancellationToken) : null;
        NodeId self;
        using (var folder = await IdentityStore.OpenAsync(settings.Home, cancellationToken))
        {
            self = folder.Identity.Address;
        }

        await using var app = Build(settings, root, store);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException exception) when (exception.InnerException is AddressInUseException)
        {
            throw new IOException(
                $"Another program has TCP port {settings.HttpPort} of 127.0.0.1, perhaps ZeroTierOne. Name another by --http.", exception);
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // A signal stopped the process during start-up, for example while it waited for the database.
            return ExitCode.Success;
        }

        int port = new Uri(app.Urls.First()).Port;
        await File.WriteAllTextAsync(
            Path.Combine(settings.Home, PortFileName), port.ToString(CultureInfo.InvariantCulture), cancellationToken);
        Console.Error.Write(NextSteps.Of(settings, self, root, port));
        await app.WaitForShutdownAsync(cancellationToken);
        return ExitCode.Success;
    }

    private static WebApplication Build(ServerSettings settings, PlanetRoot? root, IControllerStore store)
    {
        // Whatever DOTNET_ENVIRONMENT says: in Development the node would use the development network.
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { ContentRootPath = settings.Home, EnvironmentName = Environments.Production });
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, Defaults);

        // The container images of .NET set ASPNETCORE_HTTP_PORTS; Kestrel would warn that it is overridden.
        builder.WebHost.UseSetting(WebHostDefaults.HttpPortsKey, "");
        builder.WebHost.ConfigureKestrel(
            kestrel => kestrel.Listen(IPAddress.Loopback, settings.HttpPort, listen => listen.AllowMissingHost()));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddZeroTier(node =>
        {
            node.StoragePath = settings.Home;
            node.PlanetPath = settings.PlanetPath;
            node.PublicRoots = settings.IsPublic;
            node.TcpRelayListen = settings.Root?.TcpRelay ?? node.TcpRelayListen;
            node.Port = root?.EndPoints[0].Port ?? node.Port;
        });
        builder.Services.AddZeroTierController(controller => controller.Store = store);
        builder.Services.AddZeroTierService();
        builder.Services.AddHealthChecks().AddZeroTier();

        var app = builder.Build();
        app.MapZeroTierService();
        app.MapZeroTierController();
        app.MapZeroTierControllerV1();
        app.MapZeroTierAdmin();
        app.MapZeroTierStatus();
        app.MapHealthChecks("/livez", new HealthCheckOptions { Predicate = check => check.Tags.Contains("live") });
        app.MapHealthChecks("/readyz", new HealthCheckOptions { Predicate = check => check.Tags.Contains("ready") });
        return app;
    }
}
