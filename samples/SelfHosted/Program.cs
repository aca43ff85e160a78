using System.Globalization;
using System.Net;
using SelfHosted;
using ZeroTier;
using ZeroTier.Controller.AspNetCore;
using ZeroTier.Service.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
var settings = Settings.Read(builder.Configuration);
if (settings.Import is { } folder)
{
    await Storage.ImportAsync(settings, folder);
    return;
}

var self = await Storage.PrepareAsync(settings);
var network = NetworkId.Parse($"{self}000001");
string planet = settings.Planet ?? Path.Combine(settings.Home, "planet");
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, settings.HttpPort, listen => listen.AllowMissingHost()));
builder.WebHost.UseZeroTier(zt =>
{
    zt.StoragePath = settings.Home;
    zt.Port = settings.EndPoint?.Port ?? 0;
    zt.PlanetPath = planet == Settings.PublicRoots ? null : planet;
    zt.PublicRoots = planet == Settings.PublicRoots;
    zt.Networks.Add(network.ToString());
    zt.Listen(settings.ApiPort);
});
builder.Services.AddZeroTierController(controller => controller.Store = Storage.CreateStore(settings));
builder.Services.AddZeroTierService();

var app = builder.Build();
app.MapZeroTierService();
app.MapZeroTierController();
app.MapZeroTierAdmin();
app.MapZeroTierStatus();
PrivateApi.Map(app);
await FirstNetwork.CreateAsync(await app.Services.GetRequiredService<NetworkControllerHost>().GetAsync(), network, self);

// zt, and tools made for ZeroTierOne, read the API's port from this file.
await File.WriteAllTextAsync(Path.Combine(settings.Home, "zerotier-one.port"), settings.HttpPort.ToString(CultureInfo.InvariantCulture));
await app.StartAsync();
Console.WriteLine(
    $"""

    Your network {network} is ready; node {self} is its controller{(settings.EndPoint is null ? "" : " and its root")}.
      1. Copy {planet} to another machine, and join there:
           zt join {network} --home member --planet planet --wait
      2. It prints its node's address. Let it in, here:
           zt controller member authorize {network} NODE --home {settings.Home}
      3. Call the API from there:
           zt get --home member http://{FirstNetwork.ApiName}.{FirstNetwork.Domain}:{settings.ApiPort}/
         It has the address {FirstNetwork.ApiAddress}, too. Each member that has a name is found by it:
           zt controller member name {network} NODE orders --home {settings.Home}
      To shut it out again:
           zt controller member deauthorize {network} NODE --home {settings.Home}
      All of that in the browser: http://localhost:{settings.HttpPort}/admin/
           How the node is: http://localhost:{settings.HttpPort}/zerotier/
           The token to sign in with is in {Path.Combine(settings.Home, ZeroTierServiceOptions.TokenFileName)}.

    """);
await app.WaitForShutdownAsync();
