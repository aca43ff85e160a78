using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>Requests over HTTP/1.1, byte by byte where it matters.</summary>
public abstract class RequestTests(FunctionalTransport transport)
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    private const int ConnectionReset = 19;

    [Theory]
    [InlineData(10_000_000, false)]
    [InlineData(10_000_000, true)]
    [InlineData(1, false)]
    [InlineData(0, true)]
    public async Task Upload_arrives_whole(long length, bool chunked)
    {
        await using var server = await FunctionalServer.StartAsync(transport, HashBodyAsync);
        using var http = server.CreateClient();
        using var response = await http.PostAsync("/", new Pattern.Content(length, chunked));
        Assert.Equal(Pattern.Hash(length), await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_order()
    {
        await using var server = await FunctionalServer.StartAsync(transport, context => context.Response.WriteAsync(context.Request.Path));
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(string.Concat(Enumerable.Range(0, 200).Select(i => $"GET /{i} HTTP/1.1\r\nHost: test\r\n\r\n")));
        for (int i = 0; i < 200; i++)
        {
            Assert.Equal($"/{i}", (await connection.ReadResponseAsync()).Body);
        }
    }

    [Fact]
    public async Task Request_in_single_bytes_is_understood()
    {
        await using var server = await FunctionalServer.StartAsync(transport, HashBodyAsync);
        await using var connection = await server.ConnectAsync();
        foreach (char c in "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\n\0")
        {
            await connection.SendAsync(c.ToString());
        }

        Assert.Equal(Pattern.Hash(1), (await connection.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Chunked_body_with_trailers_is_understood()
    {
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            string body = await reader.ReadToEndAsync();
            await context.Response.WriteAsync($"{body} {context.Request.GetTrailer("Sum")}");
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n");
        await connection.SendAsync("7\r\n, world\r\n0\r\nSum: 12\r\n\r\n");
        Assert.Equal("Hello, world 12", (await connection.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Expect_100_continue_is_answered_when_the_body_is_read()
    {
        await using var server = await FunctionalServer.StartAsync(transport, HashBodyAsync);
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", await connection.ReadUntilAsync("\r\n\r\n"));
        await connection.SendAsync("\0");
        Assert.Equal(Pattern.Hash(1), (await connection.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Expect_100_continue_is_left_out_when_the_answer_comes_first()
    {
        await using var server = await FunctionalServer.StartAsync(transport, context =>
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
        Assert.Equal(401, (await connection.ReadResponseAsync()).Status);
    }

    [Fact]
    public async Task Connection_is_kept_alive_until_the_client_says_close()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport, context => context.Response.WriteAsync(context.Connection.Id));
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        string first = (await connection.ReadResponseAsync()).Body;
        await connection.SendAsync(Get);
        Assert.Equal(first, (await connection.ReadResponseAsync()).Body);
        await connection.SendAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        var last = await connection.ReadResponseAsync();
        Assert.Equal((first, "close"), (last.Body, Assert.Single(last.Headers["Connection"])));
        Assert.Equal(("", Ending.Fin), await connection.ReadToEndAsync());
    }

    [Fact]
    public async Task Rule_6_2_HttpContext_knows_both_ends()
    {
        await using var server = await FunctionalServer.StartAsync(transport, context =>
        {
            var at = context.Connection;
            return context.Response.WriteAsync(
                $"{new IPEndPoint(at.RemoteIpAddress!, at.RemotePort)} {new IPEndPoint(at.LocalIpAddress!, at.LocalPort)}");
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        Assert.Equal($"{connection.LocalEndPoint} {server.EndPoint}", (await connection.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Requests_on_two_connections_run_at_the_same_time()
    {
        var both = new Barrier();
        await using var server = await FunctionalServer.StartAsync(transport, _ => both.ArriveAsync());
        await using var first = await server.ConnectAsync();
        await using var second = await server.ConnectAsync();
        await first.SendAsync(Get);
        await second.SendAsync(Get);
        Assert.Equal(200, (await first.ReadResponseAsync()).Status);
        Assert.Equal(200, (await second.ReadResponseAsync()).Status);
    }

    [Fact]
    public async Task Rule_6_12_Reset_before_a_request_is_logged_as_Debug()
    {
        await using var server = await FunctionalServer.StartAsync(transport, _ => Task.CompletedTask);
        await using var connection = await server.ConnectAsync();
        await Wait.UntilAsync(() => server.Logs.Lines.Any(line => line.Event.Name == "ConnectionStart"), "the connection was accepted");
        connection.Reset();
        await AssertResetAsDebugAsync(server);
    }

    [Fact]
    public async Task Rule_6_12_Reset_between_requests_is_logged_as_Debug()
    {
        await using var server = await FunctionalServer.StartAsync(transport, _ => Task.CompletedTask);
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        await connection.ReadResponseAsync();
        connection.Reset();
        await AssertResetAsDebugAsync(server);
    }

    [Fact]
    public async Task Rule_6_12_Reset_during_a_request_is_logged_as_Debug_and_fires_RequestAborted()
    {
        var started = new Signal();
        var aborted = new Signal();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            started.Set();
            await Wait.CancelledAsync(context.RequestAborted);
            aborted.Set();
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        await started.WaitAsync();
        connection.Reset();
        await aborted.WaitAsync();
        await AssertResetAsDebugAsync(server);
    }

    [Fact]
    public async Task Rule_6_12_Reading_the_body_after_a_reset_throws_ConnectionResetException()
    {
        var started = new Signal();
        var thrown = new Signal<Exception?>();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            started.Set();
            thrown.Set(await Record.ExceptionAsync(async () => await context.Request.Body.ReadExactlyAsync(new byte[2])));
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n1");
        await started.WaitAsync();
        connection.Reset();
        Assert.IsType<ConnectionResetException>(await thrown.WaitAsync());
        Assert.Contains(ConnectionReset, server.ConnectionEvents);
    }

    [Fact]
    public async Task Client_that_ends_in_the_middle_of_a_body_gives_a_bad_request()
    {
        var thrown = new Signal<Exception?>();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
            thrown.Set(await Record.ExceptionAsync(async () => await context.Request.Body.ReadExactlyAsync(new byte[10]))));
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n1");
        connection.CloseSending();
        var exception = Assert.IsType<Microsoft.AspNetCore.Http.BadHttpRequestException>(
            await thrown.WaitAsync(), exactMatch: false);
        Assert.Contains("Unexpected end of request content", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_6_6_Abort_by_the_application_resets_the_client()
    {
        await using var server = await FunctionalServer.StartAsync(transport, context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Get);
        Assert.Equal(("", Ending.Reset), await connection.ReadToEndAsync());
    }

    [Fact]
    public async Task Rule_6_6_Abort_during_a_read_of_the_body_ends_the_read_and_resets_the_client()
    {
        var thrown = new Signal<Exception?>();
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            var read = context.Request.Body.ReadExactlyAsync(new byte[2]).AsTask();
            context.Abort();
            thrown.Set(await Record.ExceptionAsync(() => read));
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n1");
        var exception = await thrown.WaitAsync();
        Assert.True(exception is ConnectionAbortedException or TaskCanceledException, exception?.ToString());
        Assert.Equal(Ending.Reset, (await connection.ReadToEndAsync()).Ending);
    }

    [Theory]
    [InlineData("GET /{0} HTTP/1.1\r\nHost: test\r\n\r\n", 414)]
    [InlineData("GET / HTTP/1.1\r\nHost: test\r\nLong: {0}\r\n\r\n", 431)]
    [InlineData("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100001\r\n\r\n", 413)]
    [InlineData("nonsense\r\n\r\n", 400)]
    public async Task Limits_and_bad_requests_are_answered_and_the_connection_ends(string request, int status)
    {
        await using var server = await FunctionalServer.StartAsync(transport, HashBodyAsync, options => options.Kestrel = kestrel =>
        {
            kestrel.Limits.MaxRequestLineSize = 8192;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8192;
            kestrel.Limits.MaxRequestBodySize = 100_000;
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(string.Format(CultureInfo.InvariantCulture, request, new string('x', 9000)));
        Assert.Equal(status, (await connection.ReadResponseAsync()).Status);
        await connection.ReadToEndAsync();
    }

    [Fact]
    public async Task A_request_as_long_as_the_limits_and_the_read_buffer_allow_is_served()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport, context => context.Response.WriteAsync($"{context.Request.Path.Value!.Length}"), options =>
            {
                options.MaxReadBufferSize = 16 * 1024;
                options.Kestrel = kestrel =>
                {
                    kestrel.Limits.MaxRequestBufferSize = 16 * 1024;
                    kestrel.Limits.MaxRequestLineSize = 16 * 1024;
                    kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
                };
            });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync($"GET /{new string('x', 15_000)} HTTP/1.1\r\nHost: test\r\n\r\n");
        Assert.Equal("15001", (await connection.ReadResponseAsync()).Body);
    }

    private static async Task HashBodyAsync(HttpContext context) =>
        await context.Response.WriteAsync(await Pattern.HashAsync(context.Request.Body));

    private static async Task AssertResetAsDebugAsync(FunctionalServer server)
    {
        await Wait.UntilAsync(() => server.ConnectionEvents.Contains(ConnectionReset), "the reset was logged");
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.DoesNotContain(
            server.Logs.AtLeast(LogLevel.Information),
            line => line.Category.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Logs.AtLeast(LogLevel.Warning), _ => true);
    }

    /// <summary>Lets nobody pass before two have come.</summary>
    private sealed class Barrier
    {
        private readonly Signal _both = new();
        private int _arrived;

        public Task ArriveAsync()
        {
            if (Interlocked.Increment(ref _arrived) == 2)
            {
                _both.Set();
            }

            return _both.WaitAsync();
        }
    }
}
