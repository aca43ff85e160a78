using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>HTTP/2 without TLS: prior knowledge and many streams (rule 10.2).</summary>
public abstract class Http2Tests(FunctionalTransport transport)
{
    [Fact]
    public async Task Rule_10_2_Prior_knowledge_is_understood_where_only_HTTP2_is_on()
    {
        await using var server = await StartAsync(context => context.Response.WriteAsync(context.Request.Protocol));
        using var http = Client(server);
        Assert.All(
            await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => http.GetStringAsync("/"))), answer => Assert.Equal("HTTP/2", answer));
    }

    [Fact]
    public async Task Rule_10_2_Http1AndHttp2_without_TLS_serves_HTTP1_and_refuses_prior_knowledge()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport,
            context => context.Response.WriteAsync(context.Request.Protocol),
            options => options.Listen = listen => listen.Protocols = HttpProtocols.Http1AndHttp2);
        using var http = server.CreateClient();
        Assert.Equal("HTTP/1.1", await http.GetStringAsync("/"));
        using var prior = Client(server);
        await Assert.ThrowsAsync<HttpRequestException>(() => prior.GetStringAsync("/"));
        Assert.Contains(server.Logs.AtLeast(LogLevel.Warning), line => line.Event.Name == "Http2DisabledWithHttp1AndNoTls");
    }

    [Fact]
    public async Task Large_bodies_pass_both_ways_on_several_streams_at_once()
    {
        const int length = 2_000_000;
        await using var server = await StartAsync(async context =>
        {
            context.Response.Headers["Hash"] = await Pattern.HashAsync(context.Request.Body);
            await Pattern.WriteAsync(context.Response.Body, length);
        });
        using var http = Client(server);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            using var response = await http.PostAsync("/", new Pattern.Content(length, chunked: true));
            Assert.Equal(Pattern.Hash(length), response.Headers.GetValues("Hash").Single());
            Assert.Equal(Pattern.Hash(length), await Pattern.HashAsync(await response.Content.ReadAsStreamAsync()));
        }));
    }

    [Fact]
    public async Task A_stream_that_the_client_cancels_is_aborted_and_its_neighbours_go_on()
    {
        var started = new Signal();
        var aborted = new Signal();
        await using var server = await StartAsync(async context =>
        {
            if (context.Request.Path == "/slow")
            {
                started.Set();
                await Wait.CancelledAsync(context.RequestAborted);
                aborted.Set();
                return;
            }

            await context.Response.WriteAsync(context.Connection.Id);
        });
        using var http = Client(server);
        string connection = await http.GetStringAsync("/");
        using var cancel = new CancellationTokenSource();
        var slow = http.GetStringAsync("/slow", cancel.Token);
        await started.WaitAsync();
        await cancel.CancelAsync();
        await aborted.WaitAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
        Assert.Equal(connection, await http.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_stream_that_the_server_aborts_fails_alone()
    {
        await using var server = await StartAsync(context =>
        {
            if (context.Request.Path == "/abort")
            {
                context.Abort();
                return Task.CompletedTask;
            }

            return context.Response.WriteAsync(context.Connection.Id);
        });
        using var http = Client(server);
        string connection = await http.GetStringAsync("/");
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync("/abort"));
        Assert.Equal(connection, await http.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_stream_that_nobody_reads_does_not_stop_its_neighbours()
    {
        await using var server = await StartAsync(context =>
            context.Request.Path == "/large"
                ? Pattern.WriteAsync(context.Response.Body, 10_000_000, context.RequestAborted)
                : context.Response.WriteAsync("quick"));
        using var http = Client(server);
        using var large = await http.GetAsync("/large", HttpCompletionOption.ResponseHeadersRead);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("quick", await http.GetStringAsync("/"));
        }

        Assert.Equal(Pattern.Hash(10_000_000), await Pattern.HashAsync(await large.Content.ReadAsStreamAsync()));
    }

    [Fact]
    public async Task Rule_6_12_A_reset_of_the_connection_aborts_all_streams_and_is_logged_as_Debug()
    {
        var started = new Signal();
        var aborted = new Signal();
        await using var server = await StartAsync(async context =>
        {
            started.Set();
            await Wait.CancelledAsync(context.RequestAborted);
            aborted.Set();
        });
        await using var connection = await server.ConnectAsync();
        await connection.SendAsync(Http2Wire.Preface);
        await connection.SendAsync(Http2Wire.Get(streamId: 1));
        await started.WaitAsync();
        connection.Reset();
        await aborted.WaitAsync();
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Contains(19, server.ConnectionEvents);
        Assert.DoesNotContain(
            server.Logs.AtLeast(LogLevel.Information),
            line => line.Category.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rule_6_10_A_GOAWAY_with_a_read_pending_lets_the_whole_response_arrive()
    {
        const int length = 3_000_000;
        var started = new Signal();
        await using var server = await StartAsync(async context =>
        {
            context.Response.ContentLength = length;
            await context.Response.StartAsync();
            started.Set();
            await Pattern.WriteAsync(context.Response.Body, length, context.RequestAborted);
        });
        using var http = Client(server);
        using var response = await http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
        await started.WaitAsync();
        var stopping = server.StopAsync(Wait.Limit);
        Assert.Equal(Pattern.Hash(length), await Pattern.HashAsync(await response.Content.ReadAsStreamAsync()));
        await stopping;
    }

    private static HttpClient Client(FunctionalServer server) => server.CreateClient(version: HttpVersion.Version20);

    private Task<FunctionalServer> StartAsync(RequestDelegate handler) =>
        FunctionalServer.StartAsync(transport, handler, options => options.Listen = listen => listen.Protocols = HttpProtocols.Http2);
}
