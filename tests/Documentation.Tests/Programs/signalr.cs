// A hub and its caller in one process.
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.SignalR;
using ZeroTier;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseZeroTier(zt => zt.Listen(8082));
builder.Services.AddSignalR();
var app = builder.Build();
app.MapHub<CallerHub>("/hub");
await app.StartAsync();
string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

var caller = Host.CreateApplicationBuilder();
caller.Services.AddZeroTier();
using var host = caller.Build();
await host.StartAsync();
var node = host.Services.GetRequiredService<ZeroTierNode>();
var handler = host.Services.GetRequiredService<ZeroTierHttpHandler>();
// SNIPPET signalr-client
await hub.StartAsync();
Console.WriteLine(await hub.InvokeAsync<string>("Caller") == node.Id.ToString() ? "hello caller" : "unknown");
await hub.DisposeAsync();
await host.StopAsync();
await app.StopAsync();

internal sealed class CallerHub : Hub
{
    public string? Caller() => Context.GetHttpContext()?.GetZeroTierPeer()?.Node?.ToString();
}
