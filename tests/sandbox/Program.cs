using System.Globalization;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Hosting;
using ZeroTier.Managed;
using ZeroTier.Sandbox;

// sandboxed FOLDER: a root whose identity and planet are files in the folder, an app whose settings come from the environment, and a client
// that calls it once over the network. Root and client write nothing. The app's log goes to standard output, and at the end "served NODE"
// or "failed: ERROR".
using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
try
{
    string planetPath = Path.Combine(args[0], "planet");
    var planet = Planet.Load(planetPath);
    using var identity = NodeIdentity.Parse(await File.ReadAllTextAsync(Path.Combine(args[0], "root"), limit.Token));
    await using var root = new ManagedNode(
        new ManagedNodeOptions { Planet = planet, Identity = identity, Port = planet.Roots[0].EndPoints[0].Port });
    await root.StartAsync(limit.Token);
    var builder = WebApplication.CreateEmptyBuilder(
        new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "sandboxed" });
    builder.Configuration.AddEnvironmentVariables();
    builder.Logging.AddProvider(new OutputLog()).AddFilter("Microsoft", LogLevel.Warning);
    builder.Services.AddRoutingCore();
    builder.Services.AddHealthChecks().AddZeroTier();
    builder.WebHost.UseKestrelCore().UseZeroTier(zt =>
    {
        zt.Networks.Add(NetworkId.AdHoc(0, ushort.MaxValue).ToString());
        zt.PlanetPath = planetPath;
        zt.Engine = ZeroTierEngine.Managed;
        zt.RequireReadyWithin = TimeSpan.FromSeconds(60);
        zt.Listen(8080);
    });
    await using var app = builder.Build();
    app.MapGet("/", (HttpContext context) => context.GetZeroTierPeer()!.Node.ToString());
    await app.StartAsync(limit.Token);
    var server = app.Services.GetRequiredService<ZeroTierNode>();
    var node = server.Id;

    await using var client = new ManagedNode(new ManagedNodeOptions { Planet = planet, Networks = [server.Networks[0].Id] });
    await client.StartAsync(limit.Token);
    using var http = new HttpClient(new ZeroTierHttpHandler(client));
    string seen = await http.GetStringAsync(new Uri($"http://[{server.Networks[0].Addresses[0].Address}]:8080/"), limit.Token);
    await app.StopAsync(limit.Token);
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture, $"{(seen == client.Id.ToString() ? "served" : "failed: took the client for " + seen)} {node}"));
    return 0;
}
#pragma warning disable CA1031 // The test wants to see it.
catch (Exception e)
#pragma warning restore CA1031
{
    Console.WriteLine($"failed: {e}");
    return 1;
}
