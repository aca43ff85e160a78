using System.Diagnostics.Metrics;
using System.Net;
using System.Net.WebSockets;
using Grpc.Core;
using Grpc.Net.Client;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using ZeroTier;

namespace Transport.Functional.Tests;

/// <summary>
/// Who may open connections: a caller that is not allowed gets no byte. Where nothing proves the node, which is so on libzt, a list of
/// nodes is closed to everybody.
/// </summary>
public abstract class AccessTests(NodeTransport transport)
{
    private const string Request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    private const int NodeRefused = 210;
    private const int NetworkRefused = 211;
    private const int NodesUnproven = 212;

    private static readonly NodeId Stranger = NodeId.Parse("8056c2e21c");
    private static readonly NetworkId OtherNetwork = new(0x8056c2e21c000001);

    private bool ProvesNodes => transport is not LibztTransport;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_the_list_does_not_name_is_reset_before_any_byte_counted_and_named_once(bool tls)
    {
        await using var server = await StartAsync(zt => zt.AllowedNodes.Add(Stranger), listen => UseTls(listen, tls));
        using var refused = new Refusals(server.Services);
        await IsRefusedAsync(server);
        await IsRefusedAsync(server);
        Assert.Equal(2, refused.Count);
        var line = Assert.Single(server.Logs.Lines, line => line.Event.Id is NodeRefused or NetworkRefused or NodesUnproven);
        Assert.Equal(ProvesNodes ? NodeRefused : NodesUnproven, line.Event.Id);
        Assert.Contains(ProvesNodes ? $"{transport.ClientId}" : "ZeroTier:Engine=Managed", line.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_the_list_names_is_served_where_nodes_are_proven()
    {
        await using var server = await StartAsync(zt => zt.AllowedNodes.Add(transport.ClientId));
        using var refused = new Refusals(server.Services);
        if (ProvesNodes)
        {
            await IsServedAsync(server);
            Assert.Equal(0, refused.Count);
        }
        else
        {
            await IsRefusedAsync(server);
            Assert.Equal(1, refused.Count);
        }
    }

    [Fact]
    public async Task A_network_that_the_list_names_is_served_and_another_is_not()
    {
        await using (var open = await StartAsync(zt => zt.AllowedNetworks.Add(transport.NetworkId)))
        {
            await IsServedAsync(open);
        }

        await using var closed = await StartAsync(zt => zt.AllowedNetworks.Add(OtherNetwork));
        await IsRefusedAsync(closed);
        Assert.Single(closed.Logs.Lines, line => line.Event.Id == NetworkRefused);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_list_of_one_endpoint_is_asked_before_its_TLS(bool tls)
    {
        await using var server = await StartAsync(listen: listen =>
        {
            listen.RequireZeroTierNode(Stranger);
            UseTls(listen, tls);
        });
        using var refused = new Refusals(server.Services);
        await IsRefusedAsync(server);
        Assert.Equal(1, refused.Count);
    }

    [Fact]
    public async Task A_list_of_one_endpoint_lets_in_whom_it_names()
    {
        await using var server = await StartAsync(listen: listen => listen.RequireZeroTierNetwork(transport.NetworkId));
        await IsServedAsync(server);
    }

    [Theory]
    [InlineData("HTTP/1.1")]
    [InlineData("HTTP/2")]
    [InlineData("WebSocket")]
    [InlineData("gRPC")]
    [InlineData("WebSockets")]
    [InlineData("ServerSentEvents")]
    [InlineData("LongPolling")]
    public async Task No_client_of_a_node_that_the_list_does_not_name_gets_a_request_through(string client)
    {
        int requests = 0;
        bool http2 = client is "HTTP/2" or "gRPC";
        await using var server = await FunctionalServer.StartAsync(
            transport,
            context =>
            {
                Interlocked.Increment(ref requests);
                return context.Response.WriteAsync("served");
            },
            server =>
            {
                server.Listen = listen => listen.Protocols = http2 ? HttpProtocols.Http2 : HttpProtocols.Http1;
                server.Builder = builder => builder.Services.Configure<ZeroTierOptions>(zt => zt.AllowedNodes.Add(Stranger));
            });
        using var refused = new Refusals(server.Services);
        using var http = server.CreateClient(version: http2 ? HttpVersion.Version20 : HttpVersion.Version11);
        Assert.NotNull(await Record.ExceptionAsync(() => CallAsync(client, server, http).LimitedAsync()));
        Assert.Equal(0, requests);
        Assert.InRange(refused.Count, 1, long.MaxValue);
    }

    private async Task CallAsync(string client, FunctionalServer server, HttpClient http)
    {
        switch (client)
        {
            case "WebSocket":
                using (var socket = new ClientWebSocket())
                {
                    await socket.ConnectAsync(new Uri($"ws://{server.EndPoint}/"), http, default);
                }

                break;
            case "gRPC":
                using (var channel = GrpcChannel.ForAddress(
                    server.Url(), new GrpcChannelOptions { HttpHandler = transport.CreateHandler(null), DisposeHttpClient = true }))
                {
                    await channel.CreateCallInvoker().AsyncUnaryCall(
                        EchoMethods.Reverse, null, new CallOptions(deadline: DateTime.UtcNow + Wait.Limit), "hello");
                }

                break;
            case "HTTP/1.1" or "HTTP/2":
                await http.GetStringAsync("/");
                break;
            default:
                using (var handler = transport.CreateHandler(null))
                {
                    await using var hub = HubClient.Create(server, transport, Enum.Parse<HttpTransportType>(client), handler);
                    await hub.StartAsync();
                }

                break;
        }
    }

    private static void UseTls(ListenOptions listen, bool tls)
    {
        if (tls)
        {
            listen.UseHttps(Certificates.Server);
        }
    }

    private static async Task IsServedAsync(FunctionalServer server)
    {
        using var http = server.CreateClient();
        Assert.Equal("served", await http.GetStringAsync("/"));
    }

    private async Task IsRefusedAsync(FunctionalServer server)
    {
        try
        {
            await using var connection = await server.ConnectAsync();
            await connection.SendAsync(Request);
            var (bytes, ending) = await connection.ReadBytesToEndAsync();
            Assert.Empty(bytes);
            Assert.Equal(Ending.Reset, ending);
        }
        catch (ZeroTierException exception) when (exception.Error is ZeroTierError.ConnectionReset or ZeroTierError.ConnectionRefused)
        {
            // The reset was here before the request, or before the engine had told of the connection.
        }
    }

    private Task<FunctionalServer> StartAsync(Action<ZeroTierOptions>? options = null, Action<ListenOptions>? listen = null) =>
        FunctionalServer.StartAsync(transport, context => context.Response.WriteAsync("served"), server =>
        {
            server.Listen = listen;
            server.Builder = builder => builder.Services.Configure<ZeroTierOptions>(zt => options?.Invoke(zt));
        });

    /// <summary>What a collector of one server's meter reads.</summary>
    private sealed class Refusals : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _count;

        public Refusals(IServiceProvider services)
        {
            var factory = services.GetRequiredService<IMeterFactory>();
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "zerotier.connections.refused" && instrument.Meter.Scope == factory)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, value, _, _) => _count = value);
            _listener.Start();
        }

        public long Count
        {
            get
            {
                _listener.RecordObservableInstruments();
                return _count;
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
