using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Conformance;

/// <summary>Listening, connecting and the life of TCP connections.</summary>
public abstract class ConnectionConformance<TEngine> : ConformanceTest<TEngine>
    where TEngine : IConformanceEngine, new()
{
    [Fact]
    public async Task Connect_every_address_of_the_server_reaches()
    {
        await using var listener = await Listen();
        foreach (var address in Server.Networks[0].Addresses.Select(a => a.Address))
        {
            var accepting = Bounded(listener.AcceptAsync(Token));
            await using var client = await Bounded(
                Client.ConnectAsync(new ZeroTierEndPoint(Network, address, listener.EndPoint.Port), Token));
            await using var server = (await accepting)!;

            Assert.Equal(new IPEndPoint(address, listener.EndPoint.Port), client.RemoteEndPoint);
            Assert.Equal(new IPEndPoint(address, listener.EndPoint.Port), server.LocalEndPoint);
            Assert.Equal(client.LocalEndPoint, server.RemoteEndPoint);
            Assert.Equal(AddressOf(Client, address.AddressFamily), client.LocalEndPoint.Address);
            Assert.Equal(Network, client.Network);
            Assert.Equal(Network, server.Network);
        }
    }

    [Fact]
    public async Task Remote_node_where_the_engine_proves_it_is_the_other_node()
    {
        var (client, server) = await Connect();

        Assert.True(client.RemoteNode is null || client.RemoteNode == Server.Id, $"{client.RemoteNode}");
        Assert.True(server.RemoteNode is null || server.RemoteNode == Client.Id, $"{server.RemoteNode}");
        if (server.RemoteNode is not null)
        {
            while (!Pair.KnowsPeersAtOnce && server.GetPeer() is null)
            {
                await Task.Delay(10, Token);
            }

            Assert.Equal(Client.Id, server.GetPeer()?.Id);
        }

        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Listen_one_address_takes_that_address_only()
    {
        await using var listener = await Bounded(Server.ListenAsync(On(Server, 0), Token));

        var (client, server) = await Connect(listener);

        Assert.Equal(AddressOf(Server), listener.EndPoint.Address);
        Assert.Equal(AddressOf(Server), server.LocalEndPoint.Address);
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Listen_foreign_address_fails() =>
        await Fails(ZeroTierError.AddressNotAvailable, () => Server.ListenAsync(On(Client, 0), Token).AsTask());

    [Fact]
    public async Task Listen_port_zero_yields_different_real_ports()
    {
        await using var one = await Listen();
        await using var two = await Listen();

        Assert.InRange(one.EndPoint.Port, 1, 65535);
        Assert.InRange(two.EndPoint.Port, 1, 65535);
        Assert.NotEqual(one.EndPoint.Port, two.EndPoint.Port);
        foreach (var listener in new[] { one, two })
        {
            var (client, server) = await Connect(listener);
            await client.DisposeAsync();
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task Listen_taken_port_fails_until_it_is_freed()
    {
        var listener = await Listen(8080);
        await Fails(ZeroTierError.AddressInUse, () => Server.ListenAsync(new ZeroTierEndPoint(Network, 8080), Token).AsTask());

        await Bounded(listener.DisposeAsync());

        await using var again = await Listen(8080);
        var (client, server) = await Connect(again);
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Listen_network_not_joined_fails() => await Fails(
        ZeroTierError.NetworkNotJoined, () => Server.ListenAsync(new ZeroTierEndPoint(Pair.OtherNetwork, 80), Token).AsTask());

    [Fact]
    public async Task Connect_nobody_listens_is_refused()
    {
        var error = await Fails(ZeroTierError.ConnectionRefused, () => Client.ConnectAsync(On(Server, 4321), Token).AsTask());

        Assert.Contains("4321", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_without_an_address_fails() => await Fails(
        ZeroTierError.AddressNotAvailable, () => Client.ConnectAsync(new ZeroTierEndPoint(Network, 80), Token).AsTask());

    [Fact]
    public async Task Connect_address_outside_the_network_has_no_route() => await Fails(
        ZeroTierError.AddressNotAvailable,
        () => Client.ConnectAsync(new ZeroTierEndPoint(Network, IPAddress.Parse("2001:db8::1"), 80), Token).AsTask());

    [Fact]
    public async Task Connect_silent_address_ends_when_cancelled()
    {
        var silent = Pair.CreateNode();
        await Bounded(silent.StartAsync(Token));
        await Bounded(silent.JoinAsync(Network, Token));
        await Bounded(silent.WaitForNetworkAsync(Network, Token));
        var address = AddressOf(silent);
        await Bounded(silent.DisposeAsync());
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Bounded(Client.ConnectAsync(new ZeroTierEndPoint(Network, address, 80), stop.Token)));
    }

    [Fact]
    public async Task Input_completed_with_an_error_before_anything_came_drops_what_comes_and_the_other_direction_goes_on()
    {
        var (client, server) = await Connect();
        await server.Input.CompleteAsync(new InvalidOperationException("The consumer failed."));

        await Send(client, new byte[100_000]);
        await Send(server, "still here"u8.ToArray());

        Assert.Equal("still here"u8.ToArray(), await Receive(client, 10));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Echo_both_directions()
    {
        var (client, server) = await Connect();

        await Send(client, "ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await Receive(server, 4));
        await Send(server, "pong"u8.ToArray());
        Assert.Equal("pong"u8.ToArray(), await Receive(client, 4));

        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Half_close_the_other_direction_goes_on()
    {
        var (client, server) = await Connect();

        await Send(client, new byte[] { 1 });
        await client.Output.CompleteAsync();
        Assert.Equal(1, (await ReceiveAll(server.Input)).Length);
        Assert.Null(await Bounded(server.ReceiveEnded));
        Assert.Null(await Bounded(client.SendEnded));
        await Send(server, new byte[] { 2, 3 });

        Assert.Equal([2, 3], await Receive(client, 2));
        await server.Output.CompleteAsync();
        Assert.Equal(0, (await ReceiveAll(client.Input)).Length);
        Assert.Null(await Bounded(client.ReceiveEnded));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Dispose_queued_bytes_and_the_end_still_arrive()
    {
        var (client, server) = await Connect();
        var receiving = ReceiveAll(server.Input);
        byte[] data = new byte[300_000];
        new Random(5).NextBytes(data);

        await Send(client, data);
        await Bounded(client.DisposeAsync());

        Assert.Equal((data.Length, Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(data))), await receiving);
        Assert.Null(await Bounded(server.ReceiveEnded));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Large_transfer_both_ways_at_once_arrives_intact()
    {
        const long Length = 16 * 1024 * 1024;
        var (client, server) = await Connect();

        var upload = SendAll(client.Output, Length, 1);
        var download = SendAll(server.Output, Length, 2);
        var atServer = ReceiveAll(server.Input);
        var atClient = ReceiveAll(client.Input);
        await Bounded(Task.WhenAll(upload, download, atServer, atClient));

        Assert.Equal((Length, await upload), await atServer);
        Assert.Equal((Length, await download), await atClient);
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Back_pressure_unread_input_stops_the_sender_and_nothing_is_lost()
    {
        const long Length = 24 * 1024 * 1024;
        var options = new ZeroTierConnectionOptions { MaxReadBufferSize = 64 * 1024, MaxWriteBufferSize = 16 * 1024 };
        await using var listener = await Listen(0, options);
        var (client, server) = await Connect(listener, options);

        var sending = SendAll(client.Output, Length, 3);
        long before;
        do
        {
            // Longer than any pause in a transfer that moves: once nothing was sent for so long, the sender is blocked.
            before = Client.GetStatistics().BytesSent;
            await Task.Delay(500, Token);
        }
        while (Client.GetStatistics().BytesSent - before > 64 * 1024);

        Assert.False(sending.IsCompleted);
        Assert.True(Client.GetStatistics().BytesSent < Length, "More left than any buffer may hold.");
        var (received, hash) = await ReceiveAll(server.Input);

        Assert.Equal(Length, received);
        Assert.Equal(await Bounded(sending), hash);
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Abort_ends_both_sides_with_the_right_reason()
    {
        var (client, server) = await Connect();
        var reading = server.Input.ReadAsync(Token).AsTask();

        client.Abort();
        client.Abort(new ZeroTierException(ZeroTierError.TimedOut, "A later reason does not count."));

        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(client.ReceiveEnded))!.Error);
        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(client.SendEnded))!.Error);
        await Fails(ZeroTierError.ConnectionReset, () => reading);
        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(server.ReceiveEnded))!.Error);
        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(server.SendEnded))!.Error);
        Assert.NotNull(client.RemoteEndPoint);
        Assert.NotNull(server.RemoteEndPoint);
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Abort_own_reason_is_what_this_end_sees()
    {
        var (client, server) = await Connect();
        var reason = new ZeroTierException(ZeroTierError.NotPermitted, "No longer wanted.");

        client.Abort(reason);

        Assert.Same(reason, await Bounded(client.ReceiveEnded));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Output_completed_with_an_error_resets_the_connection()
    {
        var (client, server) = await Connect();

        await client.Output.CompleteAsync(new InvalidOperationException("The producer failed."));

        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(server.ReceiveEnded))!.Error);
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Cancellation_of_every_await_leaves_the_connection_usable()
    {
        await using var listener = await Listen();
        using var stop = new CancellationTokenSource();
        var accepting = listener.AcceptAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(accepting));
        var (client, server) = await Connect(listener);
        using var stopReading = new CancellationTokenSource();
        var reading = server.Input.ReadAsync(stopReading.Token);
        await stopReading.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(reading));

        await Send(client, new byte[] { 9 });

        Assert.Equal([9], await Receive(server, 1));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Disposed_listener_accept_ends_and_its_connections_live()
    {
        var listener = await Listen();
        var (client, server) = await Connect(listener);
        var accepting = listener.AcceptAsync(Token);

        await Bounded(listener.DisposeAsync());
        await Bounded(listener.DisposeAsync());

        Assert.Null(await Bounded(accepting));
        Assert.Null(await Bounded(listener.AcceptAsync(Token)));
        await Fails(ZeroTierError.ConnectionRefused, () => Client.ConnectAsync(On(Server, listener.EndPoint.Port), Token).AsTask());
        await Send(client, new byte[] { 4 });
        Assert.Equal([4], await Receive(server, 1));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Many_connections_at_once_each_keeps_its_own_bytes()
    {
        const int Count = 100;
        await using var listener = await Listen();
        var serving = Enumerable.Range(0, Count).Select(_ => EchoOne(listener)).ToArray();
        var calling = Enumerable.Range(0, Count).Select(i => CallOne(listener, i)).ToArray();

        await Bounded(Task.WhenAll(calling));
        await Bounded(Task.WhenAll(serving));
    }

    [Fact]
    public async Task Drain_written_bytes_are_acknowledged_before_it_ends()
    {
        var (client, server) = await Connect();
        var receiving = ReceiveAll(server.Input);
        byte[] data = new byte[500_000];
        await Send(client, data);
        await client.DisposeAsync();

        await Bounded(Client.DrainAsync(Token));
        await Bounded(Client.StopAsync(Token));

        Assert.Equal(data.Length, (await receiving).Length);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Observer_hears_the_end_of_a_connection()
    {
        var observer = new Recorder();
        var options = new ZeroTierConnectionOptions { Observer = observer };
        await using var listener = await Listen(0, options);
        var (client, server) = await Connect(listener);

        await client.Output.CompleteAsync();
        await Bounded(server.ReceiveEnded);
        await server.Output.CompleteAsync();
        await Bounded(client.ReceiveEnded);

        await Bounded(observer.FinSent.Task);
        Assert.Same(server, await Bounded(observer.FinReceived.Task));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    private async Task EchoOne(IZeroTierListener listener)
    {
        await using var connection = (await Bounded(listener.AcceptAsync(Token)))!;
        await Send(connection, await Receive(connection, 1000));
    }

    private async Task CallOne(IZeroTierListener listener, int number)
    {
        byte[] data = new byte[1000];
        new Random(number).NextBytes(data);
        await using var connection = await Bounded(Client.ConnectAsync(On(Server, listener.EndPoint.Port), Token));
        await Send(connection, data);
        Assert.Equal(data, await Receive(connection, data.Length));
    }

    private sealed class Recorder : IZeroTierConnectionObserver
    {
        public TaskCompletionSource<ZeroTierConnection> FinReceived { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<ZeroTierConnection> FinSent { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void OnPaused(ZeroTierConnection connection)
        {
        }

        public void OnResumed(ZeroTierConnection connection)
        {
        }

        public void OnFinReceived(ZeroTierConnection connection) => FinReceived.TrySetResult(connection);

        public void OnResetReceived(ZeroTierConnection connection)
        {
        }

        public void OnFinSent(ZeroTierConnection connection) => FinSent.TrySetResult(connection);

        public void OnResetSent(ZeroTierConnection connection, ZeroTierException reason)
        {
        }
    }
}
