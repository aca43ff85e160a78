// An app that knows its callers, and a caller, in one process.
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

var caller = Host.CreateApplicationBuilder();
caller.Services.AddZeroTier();
using var host = caller.Build();
await host.StartAsync();
string node = host.Services.GetRequiredService<ZeroTierNode>().Id.ToString();
string members = """
// SNIPPET members
""";

var builder = WebApplication.CreateBuilder(args);
builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(members.Replace("8056c2e21c", node))));
builder.WebHost.UseZeroTier(zt => zt.Listen(8083));
// SNIPPET access
await app.StartAsync();
var http = new HttpClient(host.Services.GetRequiredService<ZeroTierHttpHandler>())
{
    BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()),
};
bool known = (await http.GetStringAsync("/me")).StartsWith(node);
Console.WriteLine($"{known}, {(await http.GetAsync("/orders")).StatusCode}, {await http.GetStringAsync("/admin")}");
await host.StopAsync();
await app.StopAsync();
