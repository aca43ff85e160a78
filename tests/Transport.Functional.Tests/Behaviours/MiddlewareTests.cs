using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>Connection middleware between the transport and HTTP.</summary>
public abstract class MiddlewareTests(FunctionalTransport transport)
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

    [Fact]
    public async Task Rule_6_3_A_middleware_that_swaps_the_transport_sees_every_byte_and_no_block_stays_out()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport,
            async context => await context.Response.WriteAsync(await Pattern.HashAsync(context.Request.Body)),
            options => options.Listen = listen => listen.Use(next => async connection =>
            {
                // Every byte is inverted on the wire.
                var plain = connection.Transport;
                await using var inverting = new InvertingPipe(
                    plain, connection.Features.Get<Microsoft.AspNetCore.Connections.Features.IMemoryPoolFeature>()!.MemoryPool);
                connection.Transport = inverting;
                await next(connection);
                connection.Transport = plain;
            }));
        await using (var connection = await server.ConnectAsync())
        {
            var body = Pattern.Bytes(300_000);
            await connection.SendAsync(
                Inverted(
                    System.Text.Encoding.ASCII.GetBytes(
                        $"POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {body.Length}\r\n\r\n")));
            await connection.SendAsync(Inverted(body));
            var (bytes, ending) = await connection.ReadBytesToEndAsync();
            Assert.Contains(Pattern.Hash(body.Length), System.Text.Encoding.ASCII.GetString(Inverted(bytes)), StringComparison.Ordinal);
            Assert.Equal(Ending.Fin, ending);
        }

        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
    }

    [Fact]
    public async Task Rule_6_3_Dispose_after_a_swap_closes_the_connection_and_leaves_the_strange_pipe_alone()
    {
        var strange = new StrangePipe();
        var seen = new Signal();
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            connection.Transport = strange;
            await connection.DisposeAsync();
            await seen.WaitAsync();
        });
        await using var client = await server.ConnectAsync();
        Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
        seen.Set();
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.False(strange.Touched);
        Assert.Equal(0, server.Blocks.Rented);
    }

    [Fact]
    public async Task A_middleware_that_throws_costs_its_own_connection_only()
    {
        int connections = 0;
        await using var server = await FunctionalServer.StartAsync(
            transport, context => context.Response.WriteAsync("served"), options => options.Listen = listen => listen.Use(next =>
                connection => Interlocked.Increment(ref connections) == 1
                    ? throw new InvalidOperationException("on purpose")
                    : next(connection)));
        await using var first = await server.ConnectAsync();
        await first.ReadToEndAsync();
        await using var second = await server.ConnectAsync();
        await second.SendAsync(Get);
        Assert.Equal("served", (await second.ReadResponseAsync()).Body);
        Assert.Contains("on purpose", Assert.Single(server.Logs.AtLeast(LogLevel.Error)).Exception?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_middleware_may_answer_by_itself_and_others_may_follow()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport,
            context => context.Response.WriteAsync("http"),
            options => options.Listen = listen => listen.Use(next => async connection =>
            {
                var result = await connection.Transport.Input.ReadAsync();
                bool mine = result.Buffer.FirstSpan[0] == (byte)'!';
                connection.Transport.Input.AdvanceTo(result.Buffer.Start);
                if (!mine)
                {
                    await next(connection);
                    return;
                }

                await connection.Transport.Output.WriteAsync("mine"u8.ToArray());
            }));
        await using var own = await server.ConnectAsync();
        await own.SendAsync("!");
        Assert.Equal("mine", (await own.ReadUntilAsync("mine")));
        await using var http = await server.ConnectAsync();
        await http.SendAsync(Get);
        Assert.Equal("http", (await http.ReadResponseAsync()).Body);
    }

    private static byte[] Inverted(byte[] bytes) => [.. bytes.Select(value => (byte)~value)];

    /// <summary>Inverts every byte in both directions, with pipes of its own, as TLS would.</summary>
    private sealed class InvertingPipe : IDuplexPipe, IAsyncDisposable
    {
        private readonly IDuplexPipe _inner;
        private readonly Pipe _in;
        private readonly Pipe _out;
        private readonly Task _receiving;
        private readonly Task _sending;

        public InvertingPipe(IDuplexPipe inner, MemoryPool<byte> pool)
        {
            _inner = inner;
            _in = new Pipe(new PipeOptions(pool, useSynchronizationContext: false));
            _out = new Pipe(new PipeOptions(pool, useSynchronizationContext: false));
            _receiving = CopyAsync(inner.Input, _in.Writer, complete: true);
            _sending = CopyAsync(_out.Reader, inner.Output, complete: false);
        }

        public PipeReader Input => _in.Reader;

        public PipeWriter Output => _out.Writer;

        public async ValueTask DisposeAsync()
        {
            await _out.Writer.CompleteAsync();
            await _sending;
            await _in.Reader.CompleteAsync();
            _inner.Input.CancelPendingRead();
            await _receiving;
        }

        private static async Task CopyAsync(PipeReader from, PipeWriter to, bool complete)
        {
            try
            {
                while (await from.ReadAsync() is { IsCanceled: false } result)
                {
                    foreach (var segment in result.Buffer)
                    {
                        to.Write(Inverted(segment.ToArray()));
                    }

                    from.AdvanceTo(result.Buffer.End);
                    if ((await to.FlushAsync()).IsCompleted || result.IsCompleted)
                    {
                        break;
                    }
                }
            }
            catch (IOException)
            {
            }
            catch (ConnectionAbortedException)
            {
            }

            if (complete)
            {
                await to.CompleteAsync();
            }
            else
            {
                await from.CompleteAsync();
            }
        }
    }

    /// <summary>Says whether somebody used it.</summary>
    private sealed class StrangePipe : IDuplexPipe
    {
        public bool Touched { get; private set; }

        public PipeReader Input => Touch<PipeReader>();

        public PipeWriter Output => Touch<PipeWriter>();

        private T Touch<T>()
        {
            Touched = true;
            throw new InvalidOperationException("Not ours.");
        }
    }
}
