using System.Net;
using System.Net.ServerSentEvents;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>Answers that come piece by piece (rule 10.4).</summary>
public abstract class StreamingTests(FunctionalTransport transport)
{
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Rule_10_4_Server_sent_events_arrive_one_by_one(string version)
    {
        using var next = new SemaphoreSlim(0);
        var left = new Signal();
        await using var server = await FunctionalServer.StartAsync(
            transport,
            async context =>
            {
                context.Response.ContentType = "text/event-stream";
                try
                {
                    for (int i = 0; ; i++)
                    {
                        await context.Response.WriteAsync($"event: tick\ndata: {i}\n\n", context.RequestAborted);
                        await context.Response.Body.FlushAsync(context.RequestAborted);
                        await next.WaitAsync(context.RequestAborted);
                    }
                }
                catch (OperationCanceledException)
                {
                    left.Set();
                }
            },
            options => options.Listen = listen => listen.Protocols = version == "2.0" ? HttpProtocols.Http2 : HttpProtocols.Http1);

        // Leaving early then closes the connection instead of reading on for a while.
        using var http = server.CreateClient(handler => handler.MaxResponseDrainSize = 0, Version.Parse(version));
        await using (var stream = await http.GetStreamAsync("/"))
        {
            await using var events = SseParser.Create(stream).EnumerateAsync().GetAsyncEnumerator();
            for (int i = 0; i < 100; i++)
            {
                // The next event is made only when this one has been seen: none may wait in a buffer.
                Assert.True(await events.MoveNextAsync().AsTask().LimitedAsync());
                Assert.Equal(("tick", $"{i}"), (events.Current.EventType, events.Current.Data));
                next.Release();
            }
        }

        await left.WaitAsync();
    }

    [Fact]
    public async Task Rule_10_4_Trailers_follow_the_body()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport,
            async context =>
            {
                context.Response.DeclareTrailer("sum");
                await Pattern.WriteAsync(context.Response.Body, 1_000_000);
                context.Response.AppendTrailer("sum", Pattern.Hash(1_000_000));
            },
            options => options.Listen = listen => listen.Protocols = HttpProtocols.Http2);
        using var http = server.CreateClient(version: HttpVersion.Version20);
        using var response = await http.GetAsync("/");
        Assert.Equal(
            await Pattern.HashAsync(await response.Content.ReadAsStreamAsync()), response.TrailingHeaders.GetValues("sum").Single());
    }

    [Fact]
    public async Task The_answer_may_begin_before_the_question_ends()
    {
        await using var server = await FunctionalServer.StartAsync(transport, async context =>
        {
            byte[] buffer = new byte[100];
            for (int read; (read = await context.Request.Body.ReadAsync(buffer)) > 0;)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, read));
                await context.Response.Body.FlushAsync();
            }
        },

            // A conversation of few bytes is below the rate that Kestrel wants after five seconds, which a busy machine may take for it.
            options => options.Kestrel = kestrel => kestrel.Limits.MinRequestBodyDataRate = null);
        await using var client = await server.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 50; i++)
        {
            await client.SendAsync($"3\r\n{i:D3}\r\n");
            await client.ReadUntilAsync($"3\r\n{i:D3}\r\n");
        }

        await client.SendAsync("0\r\n\r\n");
        Assert.Equal("0\r\n\r\n", await client.ReadUntilAsync("0\r\n\r\n"));
    }
}
