using System.Net;
using System.Security.Cryptography;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>The connection object itself, with a bare connection handler in the place of HTTP.</summary>
public abstract class RawConnectionTests(FunctionalTransport transport)
{
    private const int WriteFin = 7;
    private const int WriteRst = 8;

    [Fact]
    public async Task Rule_6_1_Features_are_the_same_but_for_the_socket_and_the_peer()
    {
        var seen = new Signal<string[]>();
        await using var server = await FunctionalServer.StartRawAsync(transport, connection =>
        {
            seen.Set([.. connection.Features.Select(feature => feature.Key.Name).Order(StringComparer.Ordinal)]);
            return Task.CompletedTask;
        });
        await using var client = await server.ConnectAsync();
        string[] features = await seen.WaitAsync();
        string own = transport is SocketsTransport ? "IConnectionSocketFeature" : nameof(IZeroTierPeerFeature);
        Assert.Contains(own, features);
        Assert.Equal(
            [
                "IConnectionCompleteFeature", "IConnectionHeartbeatFeature", "IConnectionIdFeature", "IConnectionItemsFeature",
                "IConnectionLifetimeFeature",
                "IConnectionLifetimeNotificationFeature", "IConnectionMetricsContextFeature", "IConnectionTransportFeature",
                "IMemoryPoolFeature",
            ],
            features.Where(name => name != own));
    }

    [Fact]
    public async Task Rule_6_7_An_output_that_is_completed_stays_so_whatever_comes_after()
    {
        const int length = 1_000_000;
        await using var server = await FunctionalServer.StartRawAsync(
            transport,
            async connection =>
            {
                await Pattern.WriteAsync(connection.Transport.Output.AsStream(leaveOpen: true), length);
                await connection.Transport.Output.CompleteAsync();
                await connection.Transport.Output.CompleteAsync(new InvalidOperationException("too late"));
            },
            options => options.MaxWriteBufferSize = null);
        await using var client = await server.ConnectAsync();
        var received = new MemoryStream();
        await client.Stream.CopyToAsync(received).LimitedAsync();
        Assert.Equal(Pattern.Hash(length), Convert.ToHexString(SHA256.HashData(received.ToArray())));
    }

    [Fact]
    public async Task Rule_6_1_Features_and_items_belong_to_one_connection()
    {
        var ids = new System.Collections.Concurrent.ConcurrentBag<string>();
        var strangers = new System.Collections.Concurrent.ConcurrentBag<object?>();
        await using var server = await FunctionalServer.StartRawAsync(transport, connection =>
        {
            strangers.Add(connection.Features.Get<Marker>());
            strangers.Add(connection.Items.TryGetValue("mark", out object? item) ? item : null);
            connection.Features.Set(new Marker());
            connection.Items["mark"] = this;
            Assert.NotNull(connection.Features.Get<Marker>());
            ids.Add(connection.ConnectionId);
            return Task.CompletedTask;
        });
        for (int i = 0; i < 3; i++)
        {
            await using var client = await server.ConnectAsync();
            Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
        }

        Assert.All(strangers, Assert.Null);
        Assert.Equal(3, ids.Distinct().Count());
    }

    [Fact]
    public async Task Rule_6_2_End_points_are_plain_and_stay_readable_after_close()
    {
        var after = new Signal<(EndPoint? Local, EndPoint? Remote)>();
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            await connection.Transport.Input.ReadAsync();
            connection.Abort();
            await connection.DisposeAsync();
            after.Set((connection.LocalEndPoint, connection.RemoteEndPoint));
        });
        await using var client = await server.ConnectAsync();
        await client.SendAsync("x");
        var (local, remote) = await after.WaitAsync();
        Assert.Equal(server.EndPoint, Assert.IsType<IPEndPoint>(local));
        Assert.Equal(client.LocalEndPoint, Assert.IsType<IPEndPoint>(remote));
    }

    [Fact]
    public async Task Both_directions_carry_data_at_the_same_time()
    {
        const int length = 5_000_000;
        await using var server = await FunctionalServer.StartRawAsync(
            transport, connection => connection.Transport.Input.CopyToAsync(connection.Transport.Output));
        await using var client = await server.ConnectAsync();
        var sending = Task.Run(async () =>
        {
            await Pattern.WriteAsync(client.Stream, length);
            client.CloseSending();
        });
        var (bytes, ending) = await client.ReadBytesToEndAsync();
        await sending.LimitedAsync();
        Assert.Equal((Pattern.Hash(length), Ending.Fin), (Convert.ToHexString(SHA256.HashData(bytes)), ending));
    }

    [Fact]
    public async Task Rule_6_9_A_bare_handler_may_answer_after_the_peers_FIN()
    {
        var closed = new Signal();
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            using var registration = connection.ConnectionClosed.Register(closed.Set);
            while (await connection.Transport.Input.ReadAsync() is { IsCompleted: false } result)
            {
                connection.Transport.Input.AdvanceTo(result.Buffer.End);
            }

            await closed.WaitAsync();
            await connection.Transport.Output.WriteAsync("answer"u8.ToArray());
        });
        await using var client = await server.ConnectAsync();
        await client.SendAsync("question");
        client.CloseSending();
        Assert.Equal(("answer", Ending.Fin), await client.ReadToEndAsync());
    }

    [Fact]
    public async Task Rule_6_6_Abort_with_a_reason_sends_RST_once_and_the_first_reason_is_logged()
    {
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            await connection.Transport.Input.ReadAsync();
            connection.Abort(new ConnectionAbortedException("first"));
            connection.Abort(new ConnectionAbortedException("second"));
            await connection.DisposeAsync();
            connection.Abort(new ConnectionAbortedException("third"));
        });
        await using var client = await server.ConnectAsync();
        await client.SendAsync("x");
        Assert.Equal(("", Ending.Reset), await client.ReadToEndAsync());
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Equal([WriteRst], server.ConnectionEvents);
        Assert.Contains(
            "\"first\"", Assert.Single(server.Logs.Lines, line => line.Category == transport.LogCategory).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_6_6_Abort_without_a_reason_sends_FIN()
    {
        await using var server = await FunctionalServer.StartRawAsync(transport, connection =>
        {
            connection.Abort(null!);
            return Task.CompletedTask;
        });
        await using var client = await server.ConnectAsync();
        Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Equal([WriteFin], server.ConnectionEvents);
    }

    [Fact]
    public async Task Rule_6_7_Abort_ends_a_read_and_a_flush_that_wait()
    {
        var read = new Signal<Exception?>();
        var flushed = new Signal();
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            var reading = connection.Transport.Input.ReadAsync().AsTask();
            var writing = WriteUntilCompletedAsync(connection);
            await Wait.UntilStillAsync(() => connection.Features.Get<Progress>()?.Bytes ?? 0);
            connection.Abort(new ConnectionAbortedException("on purpose"));
            read.Set(await Record.ExceptionAsync(() => reading));
            await writing;
            flushed.Set();
        });
        await using var client = await server.ConnectAsync();
        Assert.IsType<ConnectionAbortedException>(await read.WaitAsync());
        await flushed.WaitAsync();
        Assert.Equal(Ending.Reset, (await client.ReadToEndAsync()).Ending);
        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
    }

    [Fact]
    public async Task Rule_6_8_ConnectionClosed_fires_for_FIN_and_a_callback_that_throws_harms_nobody()
    {
        var closed = new Signal();
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            connection.ConnectionClosed.Register(() => throw new InvalidOperationException("on purpose"));
            connection.ConnectionClosed.Register(closed.Set);
            await connection.Transport.Output.WriteAsync("ready"u8.ToArray());
            await closed.WaitAsync();
        });
        await using var client = await server.ConnectAsync();
        await client.ReadUntilAsync("ready");
        client.CloseSending();
        await closed.WaitAsync();
        Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
        await using var next = await server.ConnectAsync();
        await next.ReadUntilAsync("ready");
        next.CloseSending();
        Assert.Equal(("", Ending.Fin), await next.ReadToEndAsync());
    }

    [Fact]
    public async Task Rule_6_10_What_was_written_before_the_close_arrives_although_the_client_still_sends()
    {
        const int length = 3_000_000;
        await using var server = await FunctionalServer.StartRawAsync(
            transport, async connection => await Pattern.WriteAsync(connection.Transport.Output.AsStream(), length));
        await using var client = await server.ConnectAsync();
        var upload = client.SendUntilEndAsync();
        var (bytes, ending) = await client.ReadBytesToEndAsync();
        if (transport.KeepsAnswersToUnreadInput)
        {
            Assert.Equal((Pattern.Hash(length), Ending.Fin), (Convert.ToHexString(SHA256.HashData(bytes)), ending));
        }

        client.Reset();
        await upload.LimitedAsync();
    }

    [Fact]
    public async Task Rule_6_10_Completing_the_output_ends_the_connection_without_waiting_for_the_client()
    {
        var closed = new Signal();
        var read = new Signal<Exception?>();
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            using var registration = connection.ConnectionClosed.Register(closed.Set);
            var reading = connection.Transport.Input.ReadAsync().AsTask();
            await connection.Transport.Output.WriteAsync("last"u8.ToArray());
            await connection.Transport.Output.CompleteAsync();
            read.Set(await Record.ExceptionAsync(() => reading));
            await closed.WaitAsync();
        });
        await using var client = await server.ConnectAsync();

        // The client never closes.
        Assert.Equal(("last", Ending.Fin), await client.ReadToEndAsync());
        Assert.IsType<ConnectionAbortedException>(await read.WaitAsync());
        await closed.WaitAsync();
    }

    [Fact]
    public async Task Rule_6_11_Dispose_does_not_wait_for_a_client_that_reads_nothing()
    {
        var disposed = new Signal();
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            _ = WriteUntilCompletedAsync(connection);
            await Wait.UntilStillAsync(() => connection.Features.Get<Progress>()?.Bytes ?? 0);
            connection.Abort();
            await connection.DisposeAsync();
            disposed.Set();
        });
        await using var client = await server.ConnectAsync();
        await disposed.WaitAsync();
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.DoesNotContain(server.Logs.AtLeast(LogLevel.Warning), _ => true);
    }

    private static async Task WriteUntilCompletedAsync(ConnectionContext connection)
    {
        var progress = new Progress();
        connection.Features.Set(progress);
        byte[] bytes = new byte[4096];
        while (await connection.Transport.Output.WriteAsync(bytes) is { IsCompleted: false, IsCanceled: false })
        {
            progress.Bytes += bytes.Length;
        }
    }

    private sealed class Marker;

    private sealed class Progress
    {
        public long Bytes { get; set; }
    }
}
