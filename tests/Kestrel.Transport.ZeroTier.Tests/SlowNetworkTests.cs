using System.Net;
using System.Security.Cryptography;
using Kestrel.Transport.ZeroTier.Tests.Engines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Managed;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Kestrel on the managed engine over a slow, lossy network, in time that runs twenty times as fast.</summary>
public class SlowNetworkTests
{
    private static readonly NetworkId Network = NetworkId.AdHoc(0, ushort.MaxValue);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_8_4_A_megabyte_over_200_ms_and_5_percent_loss_arrives_whole_although_the_host_stops_at_once()
    {
        byte[] data = new byte[1_000_000];
        new Random(84).NextBytes(data);
        var time = new AcceleratedTime(factor: 20);
        var wire = new LossyWire(time, seed: 84);
        var identities = await ManagedEngine.IdentitiesAsync();
        var endPoints = Enumerable.Range(1, 3)
            .Select(i => InetEndPoint.From(new IPEndPoint(IPAddress.Parse($"10.0.0.{i}"), 9993))).ToArray();
        using var key = PlanetSigningKey.Generate();
        var planet = Planet.Create(1, DateTimeOffset.UtcNow, [new PlanetRoot(identities[0], [endPoints[0]])], key);
        ManagedNode Node(int i) => new(new ManagedNodeOptions
        {
            Identity = identities[i],
            Planet = planet,
            TimeProvider = time,
            DatagramTransportFactory = () => wire.Open(endPoints[i]),
        });
        await using var root = Node(0);
        await root.StartAsync(Cancel);
        await using var client = Node(2);
        await client.JoinAsync(Network, Cancel);
        await client.StartAsync(Cancel);
        await client.WaitForOnlineAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        await client.WaitForNetworkAsync(Network, Cancel).WaitAsync(TestHost.Limit, Cancel);

        var server = Node(1);
        var handled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var logs = new LogCollector();
        var web = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "test" });
        web.Logging.AddProvider(logs).SetMinimumLevel(LogLevel.Debug);
        web.Services.AddRoutingCore().AddSingleton<INodeFactory>(new GivenNode(server));
        web.WebHost.UseKestrelCore().UseZeroTier(zt =>
        {
            zt.Networks.Add(Network.ToString());
            zt.Transport.MaxWriteBufferSize = null;
            zt.Listen(8080);
        });

        // The limit of Kestrel is for clients that stall; this one is only slow, in time that runs faster than Kestrel's.
        web.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MinResponseDataRate = null);
        await using var app = web.Build();
        app.MapGet("/warm", () => "up");
        app.MapGet("/data", async (HttpContext context) =>
        {
            context.Response.ContentLength = data.Length;
            await context.Response.Body.WriteAsync(data);
            context.Response.OnCompleted(() =>
            {
                handled.SetResult();
                return Task.CompletedTask;
            });
        });
        await app.StartAsync(Cancel);
        await server.WaitForNetworkAsync(Network, Cancel).WaitAsync(TestHost.Limit, Cancel);
        var address = server.Networks[0].Addresses[0].Address;
        // The clock runs faster than the machine: the usual limit would be over in half a second.
        var patient = ZeroTierConnectionOptions.Default with { ConnectTimeout = TimeSpan.FromHours(1) };
        using var http = new HttpClient(new ZeroTierHttpHandler(client, patient)) { Timeout = TimeSpan.FromSeconds(60) };
        Assert.Equal("up", await http.GetStringAsync($"http://{new IPEndPoint(address, 8080)}/warm", Cancel));

        wire.Delay = TimeSpan.FromMilliseconds(100);
        wire.Loss = 0.05;
        var response = http.GetByteArrayAsync($"http://{new IPEndPoint(address, 8080)}/data", Cancel);
        await handled.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        Assert.False(response.IsCompleted);
        await app.StopAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel);

        Assert.Equal(ZeroTierNodeState.Disposed, server.State);
        Assert.Equal(SHA256.HashData(data), SHA256.HashData(await response.WaitAsync(TimeSpan.FromSeconds(60), Cancel)));
        Assert.True(wire.Lost > 20, $"Only {wire.Lost} datagrams were lost.");
        Assert.DoesNotContain(logs.Lines, line => line.Event.Name == "DrainTimedOut");
    }
}
