using System.Globalization;
using Grpc.Core;
using Grpc.Net.Client;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>gRPC with its own server and client, a method of each kind (rule 10.4).</summary>
public abstract class GrpcTests(FunctionalTransport transport)
{
    private readonly EchoService.Seen _seen = new();
    private readonly Signal<ConnectionContext> _connection = new();

    private static CallOptions Limited => new(deadline: DateTime.UtcNow + Wait.Limit);

    [Fact]
    public async Task Rule_10_4_A_call_brings_its_answer_headers_and_trailers()
    {
        await using var server = await StartAsync();
        using var channel = Channel(server);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(
            EchoMethods.Reverse, null, Limited.WithHeaders([new("echo", "said")]), "hello");
        Assert.Equal("olleh", await call);
        Assert.Equal("said", (await call.ResponseHeadersAsync).GetValue("echo"));
        Assert.Equal((StatusCode.OK, "said"), (call.GetStatus().StatusCode, call.GetTrailers().GetValue("echo")));
        Assert.Matches("^ipv[46]:", await _seen.Peer.WaitAsync());
    }

    [Fact]
    public async Task Rule_10_4_Many_calls_at_once_and_a_large_message_beside_them_arrive_whole()
    {
        const int length = 3_000_000;
        await using var server = await StartAsync();
        using var channel = Channel(server);
        var invoker = channel.CreateCallInvoker();
        var large = Task.Run(
            async () => await invoker.AsyncUnaryCall(EchoMethods.Reverse, null, Limited, string.Concat(new string('a', length), "b")));
        string[] answers = await Task.WhenAll(
            Enumerable.Range(100, 90).Select(async i => await invoker.AsyncUnaryCall(EchoMethods.Reverse, null, Limited, $"{i}")));
        Assert.Equal(Enumerable.Range(100, 90).Select(i => string.Concat($"{i}".Reverse())), answers);
        Assert.Equal(string.Concat("b", new string('a', length)), await large);
    }

    [Fact]
    public async Task Rule_10_4_Streams_of_each_direction_arrive_whole_and_in_order()
    {
        await using var server = await StartAsync();
        using var channel = Channel(server);
        var invoker = channel.CreateCallInvoker();
        using var counting = invoker.AsyncServerStreamingCall(EchoMethods.Count, null, Limited, "2000");
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"{i}"), await counting.ResponseStream.ReadAllAsync().ToListAsync());

        using var measuring = invoker.AsyncClientStreamingCall(EchoMethods.Measure, null, Limited);
        for (int i = 0; i < 2000; i++)
        {
            await measuring.RequestStream.WriteAsync(new string('x', i % 100));
        }

        await measuring.RequestStream.CompleteAsync();
        Assert.Equal("2000 99000", await measuring);
    }

    [Fact]
    public async Task Rule_10_4_A_conversation_goes_both_ways_on_one_stream()
    {
        await using var server = await StartAsync();
        using var channel = Channel(server);
        using var talk = channel.CreateCallInvoker().AsyncDuplexStreamingCall(EchoMethods.Talk, null, Limited);
        for (int i = 0; i < 100; i++)
        {
            // Each answer is awaited before the next question: neither direction waits for the other's end.
            await talk.RequestStream.WriteAsync(i.ToString(CultureInfo.InvariantCulture));
            Assert.True(await talk.ResponseStream.MoveNext());
            Assert.Equal($"{i}", talk.ResponseStream.Current);
        }

        await talk.RequestStream.CompleteAsync();
        Assert.False(await talk.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.OK, talk.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Rule_10_4_An_error_keeps_its_code_and_its_detail()
    {
        await using var server = await StartAsync();
        using var channel = Channel(server);
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await channel.CreateCallInvoker().AsyncUnaryCall(EchoMethods.Fail, null, Limited, "not now"));
        Assert.Equal((StatusCode.FailedPrecondition, "not now"), (error.StatusCode, error.Status.Detail));
    }

    [Fact]
    public async Task Rule_10_4_A_call_that_the_client_cancels_ends_on_the_server_and_its_neighbours_go_on()
    {
        await using var server = await StartAsync();
        using var channel = Channel(server);
        var invoker = channel.CreateCallInvoker();
        using var talk = invoker.AsyncDuplexStreamingCall(EchoMethods.Talk, null, Limited);
        using var cancel = new CancellationTokenSource();
        using var hanging = invoker.AsyncUnaryCall(EchoMethods.Hang, null, Limited.WithCancellationToken(cancel.Token), "");
        await _seen.Hanging.WaitAsync();
        await cancel.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(async () => await hanging)).StatusCode);
        await _seen.Cancelled.WaitAsync();

        await talk.RequestStream.WriteAsync("still here");
        Assert.True(await talk.ResponseStream.MoveNext());
        Assert.Equal("still here", talk.ResponseStream.Current);
        await talk.RequestStream.CompleteAsync();
        Assert.False(await talk.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task Rule_10_4_A_deadline_ends_the_call_on_both_ends()
    {
        await using var server = await StartAsync();
        using var channel = Channel(server);
        for (int seconds = 1; !_seen.Hanging.IsSet; seconds *= 2)
        {
            var call = channel.CreateCallInvoker().AsyncUnaryCall(
                EchoMethods.Hang, null, new CallOptions(deadline: DateTime.UtcNow.AddSeconds(seconds)), "");
            Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
        }

        await _seen.Cancelled.WaitAsync();
    }

    [Fact]
    public async Task Rule_10_4_A_connection_that_the_server_aborts_fails_the_call_and_the_channel_calls_again()
    {
        await using var server = await StartAsync();
        using var channel = Channel(server);
        var invoker = channel.CreateCallInvoker();
        using var talk = invoker.AsyncDuplexStreamingCall(EchoMethods.Talk, null, Limited);
        await talk.RequestStream.WriteAsync("x");
        Assert.True(await talk.ResponseStream.MoveNext());
        (await _connection.WaitAsync()).Abort(new ConnectionAbortedException("test"));
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => talk.ResponseStream.MoveNext())).StatusCode);
        Assert.Equal("a", await invoker.AsyncUnaryCall(EchoMethods.Reverse, null, Limited, "a"));
    }

    private GrpcChannel Channel(FunctionalServer server) =>
        GrpcChannel.ForAddress(
            server.Url(), new GrpcChannelOptions { HttpHandler = transport.CreateHandler(null), DisposeHttpClient = true });

    private Task<FunctionalServer> StartAsync() => FunctionalServer.StartAsync(transport, _ => Task.CompletedTask, options =>
    {
        options.Listen = listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(next => connection =>
            {
                _connection.Set(connection);
                return next(connection);
            });
        };
        options.Builder = builder => builder.Services.AddSingleton(_seen).AddGrpc();
        options.Pipeline = app => app.MapGrpcService<EchoService>();
    });
}
