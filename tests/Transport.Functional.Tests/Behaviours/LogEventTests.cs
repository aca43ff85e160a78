using System.IO.Pipelines;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>Scripted lives of a connection, and the ids that the transport logs, in order (rule 9.1).</summary>
public abstract class LogEventTests(FunctionalTransport transport)
{
    private const int Pause = 4;
    private const int Resume = 5;
    private const int ReadFin = 6;
    private const int WriteFin = 7;
    private const int WriteRst = 8;
    private const int Error = 14;
    private const int Reset = 19;

    [Fact]
    public Task Rule_9_1_The_client_ends_it() => AssertLifeAsync(
        [ReadFin, WriteFin],
        async connection =>
        {
            await connection.Transport.Output.WriteAsync("hello"u8.ToArray());
            await connection.Transport.Input.CopyToAsync(Stream.Null);
        },
        async client =>
        {
            await client.ReadUntilAsync("hello");
            client.CloseSending();
            Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
        });

    [Fact]
    public Task Rule_9_1_The_server_ends_it() => AssertLifeAsync(
        [WriteFin],
        async connection => await connection.Transport.Output.WriteAsync("hello"u8.ToArray()),
        async client => Assert.Equal(("hello", Ending.Fin), await client.ReadToEndAsync()));

    [Fact]
    public Task Rule_6_7_Rule_9_1_The_server_completes_its_output_first() => AssertLifeAsync(
        [WriteFin],
        async connection =>
        {
            await connection.Transport.Output.WriteAsync("hello"u8.ToArray());
            await connection.Transport.Output.CompleteAsync();
            await Wait.CancelledAsync(connection.ConnectionClosed);
        },
        async client => Assert.Equal(("hello", Ending.Fin), await client.ReadToEndAsync()));

    [Fact]
    public Task Rule_9_1_The_client_resets_it() => AssertLifeAsync(
        [Reset, WriteFin],
        async connection =>
        {
            await connection.Transport.Output.WriteAsync("hello"u8.ToArray());
            await Assert.ThrowsAsync<ConnectionResetException>(() => connection.Transport.Input.CopyToAsync(Stream.Null));
        },
        async client =>
        {
            await client.ReadUntilAsync("hello");
            client.Reset();
        });

    [Fact]
    public Task Rule_6_7_Rule_9_1_The_server_aborts_it() => AssertLifeAsync(
        [WriteRst],
        async connection =>
        {
            await connection.Transport.Output.WriteAsync("hello"u8.ToArray());
            await connection.Transport.Input.ReadAsync();
            connection.Abort(new ConnectionAbortedException("on purpose"));
        },
        async client =>
        {
            await client.ReadUntilAsync("hello");
            await client.SendAsync("x");
            Assert.Equal(Ending.Reset, (await client.ReadToEndAsync()).Ending);
        });

    [Fact]
    public Task Rule_6_7_Rule_9_1_The_server_cannot_go_on_writing() => AssertLifeAsync(
        [Error, WriteRst],
        async connection =>
        {
            await connection.Transport.Output.WriteAsync("hello"u8.ToArray());
            await connection.Transport.Input.ReadAsync();
            await connection.Transport.Output.CompleteAsync(new InvalidOperationException("on purpose"));
            await Wait.CancelledAsync(connection.ConnectionClosed);
        },
        async client =>
        {
            await client.ReadUntilAsync("hello");
            await client.SendAsync("x");
            Assert.Equal(Ending.Reset, (await client.ReadToEndAsync()).Ending);
        });

    [Fact]
    public Task Rule_6_7_Rule_9_1_The_client_ends_it_and_the_server_aborts_after_that() => AssertLifeAsync(
        [ReadFin, WriteRst],
        async connection =>
        {
            await connection.Transport.Input.CopyToAsync(Stream.Null);
            connection.Abort(new ConnectionAbortedException("on purpose"));
        },
        async client =>
        {
            client.CloseSending();
            Assert.Equal(Ending.Reset, (await client.ReadToEndAsync()).Ending);
        });

    [Fact]
    public async Task Rule_6_5_Rule_9_1_The_server_reads_late()
    {
        var paused = new Signal();
        await AssertLifeAsync(
            [Pause, Resume, ReadFin, WriteFin],
            async connection =>
            {
                await paused.WaitAsync();
                await ReadAsync(connection.Transport.Input, 1500);
                await connection.Transport.Output.WriteAsync("read"u8.ToArray());
                await connection.Transport.Input.CopyToAsync(Stream.Null);
            },
            async (client, server) =>
            {
                await client.SendAsync(new byte[1500]);
                await Wait.UntilAsync(() => server.ConnectionEvents.Contains(Pause), "the connection paused");
                paused.Set();
                await client.ReadUntilAsync("read");
                client.CloseSending();
                await client.ReadToEndAsync();
            });
    }

    private static async Task ReadAsync(PipeReader reader, long length)
    {
        while (length > 0)
        {
            var result = await reader.ReadAsync();
            length -= result.Buffer.Length;
            reader.AdvanceTo(result.Buffer.End);
        }
    }

    private Task AssertLifeAsync(int[] events, ConnectionDelegate serverSide, Func<RawConnection, Task> clientSide) =>
        AssertLifeAsync(events, serverSide, (client, _) => clientSide(client));

    /// <summary>Plays both sides and looks at what was logged until the server had ended.</summary>
    private async Task AssertLifeAsync(int[] events, ConnectionDelegate serverSide, Func<RawConnection, FunctionalServer, Task> clientSide)
    {
        var ended = new Signal<Exception?>();
        await using var server = await FunctionalServer.StartRawAsync(
            transport,
            async connection => ended.Set(await Record.ExceptionAsync(() => serverSide(connection))),
            options => options.MaxReadBufferSize = 1024);
        await using var client = await server.ConnectAsync();
        await clientSide(client, server);
        Assert.Null(await ended.WaitAsync());
        await server.StopAsync(Wait.Limit);
        Assert.Equal(events, server.ConnectionEvents);
    }
}
