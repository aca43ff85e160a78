using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>Upgraded connections (rule 10.4).</summary>
public abstract class WebSocketTests(FunctionalTransport transport)
{
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Rule_10_4_Messages_of_every_size_are_echoed_and_the_client_closes(string version)
    {
        await using var server = await StartAsync(EchoAsync, version);
        using var http = server.CreateClient(version: Version.Parse(version));
        using var socket = await ConnectAsync(server, http, version);
        foreach (int length in new[] { 0, 1, 125, 126, 4096, 65_535, 65_536, 1_000_000 })
        {
            byte[] message = Pattern.Bytes(length);
            var sending = socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, default);
            Assert.Equal(SHA256.HashData(message), SHA256.HashData(await ReceiveAsync(socket)));
            await sending.LimitedAsync();
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", default).LimitedAsync();
        Assert.Equal(
            (WebSocketState.Closed, WebSocketCloseStatus.NormalClosure, "done"),
            (socket.State, socket.CloseStatus, socket.CloseStatusDescription));
    }

    [Fact]
    public async Task Rule_10_4_The_server_closes_and_its_last_message_arrives()
    {
        await using var server = await StartAsync(async socket =>
        {
            await socket.SendAsync("last"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, default);
            await socket.CloseAsync(WebSocketCloseStatus.EndpointUnavailable, "bye", default);
        });
        using var http = server.CreateClient();
        using var socket = await ConnectAsync(server, http);
        Assert.Equal("last", Encoding.UTF8.GetString(await ReceiveAsync(socket)));
        var close = await socket.ReceiveAsync(new byte[10].AsMemory(), default).AsTask().LimitedAsync();
        Assert.Equal((WebSocketMessageType.Close, WebSocketCloseStatus.EndpointUnavailable), (close.MessageType, socket.CloseStatus));
        await socket.CloseAsync(WebSocketCloseStatus.EndpointUnavailable, null, default).LimitedAsync();
        Assert.Equal(WebSocketState.Closed, socket.State);
    }

    [Fact]
    public async Task Rule_10_4_Both_ends_send_at_the_same_time()
    {
        const int messages = 2000;
        await using var server = await StartAsync(
            async socket => await Task.WhenAll(SendManyAsync(socket, messages), ReceiveManyAsync(socket, messages)));
        using var http = server.CreateClient();
        using var socket = await ConnectAsync(server, http);
        await Task.WhenAll(SendManyAsync(socket, messages), ReceiveManyAsync(socket, messages)).LimitedAsync();
    }

    [Fact]
    public async Task Rule_10_4_A_client_that_vanishes_ends_the_servers_receive()
    {
        var thrown = new Signal<Exception?>();
        await using var server = await StartAsync(async socket => thrown.Set(await Record.ExceptionAsync(() => ReceiveAsync(socket))));
        using var http = server.CreateClient();
        var socket = await ConnectAsync(server, http);
        socket.Abort();
        http.Dispose();
        var exception = await thrown.WaitAsync();
        Assert.True(exception is WebSocketException or ConnectionResetException or OperationCanceledException, exception?.ToString());
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.DoesNotContain(server.Logs.AtLeast(LogLevel.Warning), _ => true);
    }

    [Fact]
    public async Task Rule_10_4_At_the_limit_an_upgrade_is_refused_and_a_place_becomes_free_again()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport, UpgradeAsync, options => options.Kestrel = kestrel => kestrel.Limits.MaxConcurrentUpgradedConnections = 1);
        await using var first = await server.ConnectAsync();
        Assert.Equal("HTTP/1.1 101 Switching Protocols", await UpgradeAsync(first));
        await using var second = await server.ConnectAsync();
        Assert.Equal("HTTP/1.1 503 Service Unavailable", await UpgradeAsync(second));
        await first.SendAsync("echo");
        Assert.Equal("echo", await first.ReadUntilAsync("echo"));
        first.CloseSending();
        Assert.Equal(("", Ending.Fin), await first.ReadToEndAsync());
        await Wait.UntilAsync(
            () => server.Logs.Lines.Count(line => line.Event.Name == "ConnectionStop") == 1, "the first connection ended");
        await using var third = await server.ConnectAsync();
        Assert.Equal("HTTP/1.1 101 Switching Protocols", await UpgradeAsync(third));
    }

    [Fact]
    public async Task Rule_10_4_Bytes_sent_together_with_the_upgrade_are_not_lost()
    {
        await using var server = await FunctionalServer.StartAsync(transport, UpgradeAsync);
        await using var client = await server.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nalready here");
        Assert.StartsWith("HTTP/1.1 101", await client.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal("already here", await client.ReadUntilAsync("already here"));
    }

    private static async Task EchoAsync(WebSocket socket)
    {
        byte[] buffer = new byte[16 * 1024];
        while (await socket.ReceiveAsync(buffer.AsMemory(), default) is { MessageType: not WebSocketMessageType.Close } received)
        {
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, default);
        }

        await socket.CloseAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, default);
    }

    private static async Task<ClientWebSocket> ConnectAsync(FunctionalServer server, HttpClient http, string version = "1.1")
    {
        var socket = new ClientWebSocket();
        socket.Options.HttpVersion = Version.Parse(version);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await socket.ConnectAsync(server.Url("/", "ws"), http, default).LimitedAsync();
        return socket;
    }

    private static async Task<byte[]> ReceiveAsync(WebSocket socket)
    {
        using var message = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().LimitedAsync();
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }

    private static async Task SendManyAsync(WebSocket socket, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await socket.SendAsync(BitConverter.GetBytes(i), WebSocketMessageType.Binary, endOfMessage: true, default);
        }
    }

    private static async Task ReceiveManyAsync(WebSocket socket, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(i, BitConverter.ToInt32(await ReceiveAsync(socket)));
        }
    }

    private static async Task<string> UpgradeAsync(RawConnection client)
    {
        await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        return (await client.ReadUntilAsync("\r\n\r\n")).Split("\r\n")[0];
    }

    private static async Task UpgradeAsync(HttpContext context)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>()!;
        if (!upgrade.IsUpgradableRequest)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        Stream stream;
        try
        {
            stream = await upgrade.UpgradeAsync();
        }
        catch (InvalidOperationException)
        {
            // The limit. Kestrel has set the status.
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        await using (stream)
        {
            byte[] buffer = new byte[4096];
            for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
            {
                await stream.WriteAsync(buffer.AsMemory(0, read));
            }
        }
    }

    private Task<FunctionalServer> StartAsync(Func<WebSocket, Task> handler, string version = "1.1") => FunctionalServer.StartAsync(
        transport,
        async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await handler(socket);
        },
        options =>
        {
            options.Pipeline = app => app.UseWebSockets();
            options.Listen = listen => listen.Protocols = version == "2.0" ? HttpProtocols.Http2 : HttpProtocols.Http1;
        });
}
