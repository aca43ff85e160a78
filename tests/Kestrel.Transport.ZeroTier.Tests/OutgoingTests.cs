using System.Net;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Connections that the application opens: the connection factory and the HTTP handler.</summary>
public class OutgoingTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connection_factory_reaches_names_addresses_and_end_points()
    {
        await using var host = await TestHost.StartAsync();
        var factory = host.App.Services.GetRequiredService<Microsoft.AspNetCore.Connections.IConnectionFactory>();
        await using var listener = await host.Client.ListenAsync(
            new ZeroTierEndPoint(FakeNetwork.DefaultId, 7000), cancellationToken: Cancel);
        EndPoint[] ways =
        [
            new ZeroTierEndPoint(FakeNetwork.DefaultId, host.Client.IPv4, 7000),
            new IPEndPoint(host.Client.IPv4, 7000),
            new IPEndPoint(host.Client.IPv4.MapToIPv6(), 7000),
            new DnsEndPoint($"{host.Client.KnownId}.8056c2e21c000001.zt", 7000),
            new NameEndPoint(host.Client.KnownId, FakeNetwork.DefaultId, 7000),
        ];
        foreach (var way in ways)
        {
            await using var connection = await factory.ConnectAsync(way, Cancel);
            Assert.Equal(host.Client.KnownId, connection.Features.Get<IZeroTierPeerFeature>()!.Node);
        }

        await Assert.ThrowsAsync<ZeroTierException>(() => factory.ConnectAsync(new DnsEndPoint("example.org", 80), Cancel).AsTask());
    }

    [Fact]
    public async Task Http_handler_asks_no_proxy()
    {
        await using var host = await TestHost.StartAsync();
        var proxy = new CountingProxy();
        using var handler = new ZeroTierHttpHandler(host.Client);
        handler.SocketsHandler.Proxy = proxy;
        using var http = new HttpClient(handler);
        Assert.Equal("hello", await http.GetStringAsync($"http://{host.Server.IPv4}:8080/", Cancel));
        Assert.Equal(0, proxy.Asked);
    }

    [Fact]
    public async Task Rule_9_1_Outgoing_connections_are_watched_and_logged_in_a_category_of_their_own()
    {
        await using var host = await TestHost.StartAsync();
        var factory = host.App.Services.GetRequiredService<Microsoft.AspNetCore.Connections.IConnectionFactory>();
        await using var listener = await host.Client.ListenAsync(
            new ZeroTierEndPoint(FakeNetwork.DefaultId, 7001), cancellationToken: Cancel);
        await using var connection = await factory.ConnectAsync(new IPEndPoint(host.Client.IPv4, 7001), Cancel);
        await using var accepted = await listener.AcceptAsync(Cancel);
        var engine = Assert.Single(host.Server.Connections);
        engine.Options.Observer!.OnPaused(engine);
        await accepted!.Output.CompleteAsync();
        await TestHost.EventuallyAsync(() => connection.ConnectionClosed.IsCancellationRequested, "closed");
        Assert.Equal(
            [4, 6],
            host.Logs.Lines.Where(line => line.Category == "Microsoft.AspNetCore.Server.Kestrel.Transport.ZeroTier.Client")
                .Select(line => line.Event.Id));
        Assert.Empty(host.Logs.EventsOf(TransportLog.ServerCategory));
    }

    private sealed class CountingProxy : IWebProxy
    {
        public int Asked { get; private set; }

        public ICredentials? Credentials { get; set; }

        public Uri? GetProxy(Uri destination)
        {
            Asked++;
            return null;
        }

        public bool IsBypassed(Uri host)
        {
            Asked++;
            return true;
        }
    }
}
