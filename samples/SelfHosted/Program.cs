using System.Globalization;
using System.Net;
using SelfHosted;
using ZeroTier;
using ZeroTier.Controller.AspNetCore;
using ZeroTier.Controller.Sqlite;
using ZeroTier.SelfHosting;
using ZeroTier.Service.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
var settings = Settings.Read(builder.Configuration);
var root = await PrivateRoot.PrepareAsync(
    new PrivateRootOptions { StoragePath = settings.Home, EndPoints = settings.EndPoint is { } endPoint ? [endPoint] : [] });
var self = root.Identity.Address;
var network = NetworkId.Parse($"{self}000001");
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, settings.HttpPort, listen => listen.AllowMissingHost()));
builder.WebHost.UseZeroTier(zt =>
{
    zt.StoragePath = settings.Home;
    zt.PlanetPath = settings.Planet;
    zt.Port = root.EndPoints[0].Port;
    zt.Networks.Add(network.ToString());
    zt.Listen(settings.ApiPort);
});
builder.Services.AddZeroTierController(
    controller => controller.Store = new SqliteControllerStore(Path.Combine(settings.Home, "controller.db")));
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

    Your network {network} is ready; node {self} is its controller and its root.
      1. Copy {settings.Planet} to another machine, and join there:
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
