using System.Net;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

namespace Transport.Functional.Tests;

/// <summary>What only our transport promises, so there is nothing to compare it with.</summary>
public abstract class NodeOnlyTests(NodeTransport transport)
{
    [Theory]
    [InlineData(HttpProtocols.Http3, false)]
    [InlineData(HttpProtocols.Http3, true)]
    [InlineData(HttpProtocols.Http1AndHttp2AndHttp3, false)]
    [InlineData(HttpProtocols.Http1AndHttp2AndHttp3, true)]
    public async Task Rule_10_3_HTTP3_fails_at_the_start_with_our_text(HttpProtocols protocols, bool tls)
    {
        var exception = await Assert.ThrowsAnyAsync<Exception>(
            () => FunctionalServer.StartAsync(transport, _ => Task.CompletedTask, options => options.Listen = listen =>
            {
                listen.Protocols = protocols;
                if (tls)
                {
                    listen.UseHttps(Certificates.Server);
                }
            }));
        Assert.Contains("HTTP/3 runs over QUIC", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_6_1_The_peer_of_a_connection_is_on_every_request()
    {
        await using var server = await FunctionalServer.StartAsync(transport, context =>
        {
            var peer = context.GetZeroTierPeer()!;
            return context.Response.WriteAsync($"{peer.Node} {peer.Network}");
        });
        using var http = server.CreateClient();

        // libzt does not show whose packets carry a connection.
        Assert.Equal(
            $"{(transport is LibztEngineTransport ? "" : transport.ClientId)} {transport.NetworkId}", await http.GetStringAsync("/"));
    }

    [Theory]
    [InlineData(HttpTransportType.WebSockets)]
    [InlineData(HttpTransportType.ServerSentEvents)]
    [InlineData(HttpTransportType.LongPolling)]
    public async Task Rule_6_1_The_peer_of_a_hubs_caller_is_known_over_each_of_its_transports(HttpTransportType type)
    {
        await using var server = await FunctionalServer.StartAsync(transport, _ => Task.CompletedTask, options =>
        {
            options.Builder = builder => builder.Services.AddSignalR();
            options.Pipeline = app => app.MapHub<CallerHub>("/hub");
        });
        using var handler = transport.CreateHandler(null);
        await using var hub = HubClient.Create(server, transport, type, handler);
        await hub.StartAsync().LimitedAsync();
        Assert.Equal(transport.NetworkId.ToString(), await hub.InvokeAsync<string>("Network").LimitedAsync());
        await hub.StopAsync().LimitedAsync();
    }

    private sealed class CallerHub : Hub
    {
        public string? Network() => Context.GetHttpContext()?.GetZeroTierPeer()?.Network.ToString();
    }

    [Fact]
    public async Task Rule_4_4_Two_endpoints_with_port_0_differ_and_both_answer()
    {
        await using var first = await FunctionalServer.StartAsync(transport, context => context.Response.WriteAsync("first"));
        await using var second = await FunctionalServer.StartAsync(transport, context => context.Response.WriteAsync("second"));
        Assert.NotEqual(first.EndPoint, second.EndPoint);
        using var one = first.CreateClient();
        using var two = second.CreateClient();
        Assert.Equal(("first", "second"), (await one.GetStringAsync("/"), await two.GetStringAsync("/")));
    }
}
