// A service with TLS, a proxy in front of it, and a client that knows both by name.
using System.Text;

var orders = BuildOrders();
await orders.StartAsync();
var gateway = BuildGateway();
await gateway.StartAsync();
using var caller = BuildCaller();
await caller.StartAsync();
var client = caller.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
var texts = new List<string>();
foreach (string url in new[] { "https://orders:8443/direct", "https://orders.zt:8444/configured", "http://gateway:8085/orders/proxied" })
{
    texts.Add(await client.GetStringAsync(url));
}

var own = new HttpClient(OwnHandler(caller.Services.GetRequiredService<ZeroTierNode>(), orders));
texts.Add(await own.GetStringAsync("https://orders:8443/own"));
Console.WriteLine(string.Join(", ", texts));
await caller.StopAsync();
await gateway.StopAsync();
await orders.StopAsync();

static WebApplication BuildOrders()
{
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = "Orders" });
    string settings = """
// SNIPPET https-settings
""";
    builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(settings.Replace("8443", "8444"))));
// SNIPPET https
    var app = builder.Build();
    app.MapGet("/{**path}", (string? path) => path ?? "");
    return app;
}

static WebApplication BuildGateway()
{
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = "Gateway" });
    string settings = """
// SNIPPET proxy-settings
""";
    builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(settings)));
    builder.WebHost.UseZeroTier(zt => zt.Listen(8085));
// SNIPPET proxy
    var app = builder.Build();
    app.MapReverseProxy();
    return app;
}

static IHost BuildCaller()
{
    var builder = Host.CreateApplicationBuilder();
// SNIPPET discovery
    OwnAuthority(builder.Services);
    return builder.Build();
}

static SocketsHttpHandler OwnHandler(ZeroTierNode node, WebApplication app)
{
// SNIPPET https-code
    _ = certificate.Get();
    return handler;
}

// Compiled, and not called: there is no such file.
static void OwnAuthority(IServiceCollection services)
{
// SNIPPET own-authority
}
