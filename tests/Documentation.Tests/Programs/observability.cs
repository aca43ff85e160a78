// An app that is observed, and what an observer sees.
using System.Text;
using ZeroTier;
using ZeroTier.Managed;
using ZeroTier.Testing;

string settings = """
// SNIPPET capture-settings
""";
await using var network = await TestNetwork.StartAsync();
var node = await network.StartNodeAsync();
var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseZeroTier(zt => zt.Listen(8084));
builder.WebHost.UseZeroTierTestNetwork(network);
builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(settings)));
// SNIPPET observability
await app.StartAsync();
var http = await network.CreateClientAsync(app.Services, node);
string url = "/readyz";
// SNIPPET capture
bool scraped = (await http.GetStringAsync("/metrics")).Contains("zerotier_node_online");
Console.WriteLine($"{scraped}, {await http.GetStringAsync("/livez")}");
await app.DisposeAsync();
Console.WriteLine($"captured {new FileInfo("net.pcapng").Length > 500}, {new FileInfo("calls.pcapng").Length > 500}");
