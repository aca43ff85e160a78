using System.Diagnostics;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>Kestrel's own stop, with connections in every state.</summary>
public abstract class ShutdownTests(FunctionalTransport transport)
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

    [Fact]
    public async Task Rule_8_2_A_response_in_flight_arrives_whole_and_new_connections_are_refused()
    {
        const int length = 3_000_000;
        var go = new Signal();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            context.Response.ContentLength = length;
            await context.Response.Body.FlushAsync();
            await go.WaitAsync();
            await Pattern.WriteAsync(context.Response.Body, length);
        });
        using var http = server.CreateClient();
        using var response = await http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
        var stopping = server.StopAsync(Wait.Limit);
        await UntilRefusedAsync(server);
        Assert.False(stopping.IsCompleted);
        go.Set();
        Assert.Equal(Pattern.Hash(length), await Pattern.HashAsync(await response.Content.ReadAsStreamAsync()));
        await stopping;
    }

    [Fact]
    public async Task Rule_8_3_A_request_longer_than_the_timeout_is_reset()
    {
        var started = new Signal();
        var aborted = new Signal();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            started.Set();
            await Wait.CancelledAsync(context.RequestAborted);
            aborted.Set();
        });
        await using var client = await server.ConnectAsync();
        await client.SendAsync(Get);
        await started.WaitAsync();
        await server.StopAsync(TimeSpan.FromMilliseconds(500));
        await aborted.WaitAsync();
        Assert.Equal(("", Ending.Reset), await client.ReadToEndAsync());
        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
    }

    [Fact]
    public async Task Rule_8_3_A_handler_that_ignores_everything_does_not_keep_the_server()
    {
        var started = new Signal();
        var end = new Signal();
        await using var server = await FunctionalServer.StartAsync(transport, _ =>
        {
            started.Set();
            return end.WaitAsync();
        });
        await using var client = await server.ConnectAsync();
        await client.SendAsync(Get);
        await started.WaitAsync();
        await server.StopAsync(TimeSpan.FromMilliseconds(500));
        Assert.Equal(("", Ending.Reset), await client.ReadToEndAsync());
        end.Set();
    }

    [Fact]
    public async Task Rule_8_3_Idle_connections_end_with_FIN_at_once()
    {
        await using var server = await FunctionalServer.StartAsync(transport, _ => Task.CompletedTask);
        await using var used = await server.ConnectAsync();
        await used.SendAsync(Get);
        await used.ReadResponseAsync();
        await using var unused = await server.ConnectAsync();
        await Wait.UntilAsync(() => server.Logs.Lines.Count(line => line.Event.Name == "ConnectionStart") == 2, "both were accepted");
        await server.StopAsync(Wait.Limit);
        Assert.Equal(("", Ending.Fin), await used.ReadToEndAsync());
        Assert.Equal(("", Ending.Fin), await unused.ReadToEndAsync());
    }

    [Fact]
    public async Task Rule_8_3_An_upgraded_connection_that_stays_is_reset_at_the_timeout()
    {
        var started = new Signal();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            await using var stream = await context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpUpgradeFeature>()!.UpgradeAsync();
            started.Set();
            await Record.ExceptionAsync(async () => await stream.ReadExactlyAsync(new byte[1]));
        });
        await using var client = await server.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        await started.WaitAsync();
        await client.ReadUntilAsync("\r\n\r\n");
        await server.StopAsync(TimeSpan.FromMilliseconds(500));
        Assert.Equal(("", Ending.Reset), await client.ReadToEndAsync());
    }

    [Fact]
    public async Task Rule_8_5_Servers_start_and_stop_again_and_again()
    {
        for (int i = 0; i < 20; i++)
        {
            await using var server = await FunctionalServer.StartAsync(transport, context => context.Response.WriteAsync("served"));
            await using var client = await server.ConnectAsync();
            await client.SendAsync(Get);
            Assert.Equal("served", (await client.ReadResponseAsync()).Body);
            await server.StopAsync(Wait.Limit);
            Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
            Assert.Equal(0, server.Blocks.Rented);
        }
    }

    private static async Task UntilRefusedAsync(FunctionalServer server)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Wait.Limit)
        {
            try
            {
                // What waits in a backlog is reset; then the port is closed.
                await using var connection = await server.ConnectAsync();
                await Task.Delay(20);
            }
            catch (IOException)
            {
                return;
            }
            catch (System.Net.Sockets.SocketException)
            {
                return;
            }
        }

        Assert.Fail("The server went on accepting.");
    }
}
