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

string endpoints = """
// SNIPPET endpoints
""";

var builder = WebApplication.CreateBuilder(args);
foreach (string settings in new[] { members, endpoints })
{
    builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(settings.Replace("8056c2e21c", node))));
}

builder.WebHost.UseZeroTier(zt => zt.Listen(8083));
// SNIPPET access
await app.StartAsync();
var http = new HttpClient(host.Services.GetRequiredService<ZeroTierHttpHandler>())
{
    BaseAddress = new Uri(Address(8083)),
};
bool known = (await http.GetStringAsync("/me")).StartsWith(node) && (await http.GetStringAsync(Address(8080) + "/me")).StartsWith(node);
using var http2 = new HttpRequestMessage(HttpMethod.Get, Address(8081) + "/me")
{
    Version = new Version(2, 0),
    VersionPolicy = HttpVersionPolicy.RequestVersionExact,
};
known &= (await http.SendAsync(http2)).IsSuccessStatusCode;
Console.WriteLine($"{known}, {(await http.GetAsync("/orders")).StatusCode}, {await http.GetStringAsync("/admin")}");
await host.StopAsync();
await app.StopAsync();

string Address(int port) => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
    .Single(address => address.EndsWith($":{port}")).TrimEnd('/');
