using Microsoft.Extensions.Logging;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>Responses over HTTP/1.1, and how they may be cut short.</summary>
public abstract class ResponseTests(FunctionalTransport transport)
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

    [Theory]
    [InlineData(10_000_000, true)]
    [InlineData(10_000_000, false)]
    [InlineData(1, false)]
    public async Task Download_arrives_whole(long length, bool withLength)
    {
        await using var server = await FunctionalServer.StartAsync(transport, context =>
        {
            context.Response.ContentLength = withLength ? length : null;
            return Pattern.WriteAsync(context.Response.Body, length, context.RequestAborted);
        });
        using var http = server.CreateClient();
        await using var body = await http.GetStreamAsync("/");
        Assert.Equal(Pattern.Hash(length), await Pattern.HashAsync(body));
    }

    [Fact]
    public async Task Rule_6_9_A_client_that_half_closes_gets_no_answer()
    {
        var written = new Signal<Exception?>();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            await Wait.CancelledAsync(context.RequestAborted);
            written.Set(await Record.ExceptionAsync(() => context.Response.WriteAsync("too late")));
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        connection.CloseSending();
        Assert.Equal(("", Ending.Fin), await connection.ReadToEndAsync());
        Assert.Null(await written.WaitAsync());
        Assert.DoesNotContain(server.Logs.AtLeast(LogLevel.Warning), _ => true);
    }

    [Fact]
    public async Task Rule_6_9_An_answer_that_was_written_before_the_half_close_arrives()
    {
        await using var server = await FunctionalServer.StartAsync(transport, context => context.Response.WriteAsync("in time"));
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        Assert.Equal("in time", (await connection.ReadResponseAsync()).Body);
        connection.CloseSending();
        Assert.Equal(("", Ending.Fin), await connection.ReadToEndAsync());
    }

    [Fact]
    public async Task Write_with_the_token_of_an_aborted_request_is_cancelled()
    {
        var started = new Signal();
        var thrown = new Signal<Exception?>();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            started.Set();
            await Wait.CancelledAsync(context.RequestAborted);
            thrown.Set(await Record.ExceptionAsync(() => context.Response.WriteAsync(new string('a', 100_000), context.RequestAborted)));
        });
        await using (var connection = await server.ConnectAsync())
        {
            await connection.SendAsync(Get);
            await started.WaitAsync();
        }

        Assert.IsType<OperationCanceledException>(await thrown.WaitAsync(), exactMatch: false);
    }

    [Fact]
    public async Task Rule_6_12_A_client_that_resets_during_the_response_fires_RequestAborted_and_nothing_is_logged_above_Debug()
    {
        var ended = new Signal<Exception?>();
        await using var server = await FunctionalServer.StartAsync(
            transport, async context => ended.Set(await Record.ExceptionAsync(async () =>
            {
                byte[] bytes = new byte[64 * 1024];
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await context.Response.Body.WriteAsync(bytes);
                }
            })));
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        await connection.ReadExactlyAsync(200_000);
        connection.Reset();
        Assert.Null(await ended.WaitAsync());
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.DoesNotContain(
            server.Logs.AtLeast(LogLevel.Information),
            line => line.Category.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal));
        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
    }

    [Fact]
    public async Task Rule_6_6_A_server_that_aborts_during_the_response_resets_the_client()
    {
        var seen = new Signal();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            await context.Response.WriteAsync("begin");
            await context.Response.Body.FlushAsync();
            await seen.WaitAsync();
            context.Abort();
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        await connection.ReadUntilAsync("begin");
        seen.Set();
        Assert.Equal(Ending.Reset, (await connection.ReadToEndAsync()).Ending);
    }

    [Fact]
    public async Task Exception_after_the_response_has_begun_leaves_it_unfinished()
    {
        var seen = new Signal();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            await context.Response.WriteAsync("begin");
            await context.Response.Body.FlushAsync();
            await seen.WaitAsync();
            throw new InvalidOperationException("on purpose");
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        await connection.ReadUntilAsync("begin\r\n");
        seen.Set();
        Assert.Equal(("", Ending.Fin), await connection.ReadToEndAsync());
        Assert.Single(server.Logs.AtLeast(LogLevel.Error), line => line.Event.Name == "ApplicationError");
    }

    [Fact]
    public async Task Rule_6_10_A_refusal_reaches_a_client_that_is_still_uploading()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport,
            context => context.Request.Body.CopyToAsync(Stream.Null),
            options => options.Kestrel = kestrel => kestrel.Limits.MaxRequestBodySize = 100);
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000000\r\n\r\n");
        var upload = connection.SendUntilEndAsync();
        if (transport.KeepsAnswersToUnreadInput)
        {
            Assert.Equal(413, (await connection.ReadResponseAsync()).Status);
            Assert.Equal(("", Ending.Fin), await connection.ReadToEndAsync());
        }
        else
        {
            await connection.ReadToEndAsync();
        }

        connection.Reset();
        await upload.LimitedAsync();
    }
}
