using System.Net;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>Connections that go well: bytes, ends, back-pressure.</summary>
public sealed class StreamTests : SocketLoopTest
{
    [Fact]
    public async Task Accept_carries_bytes_both_ways_and_knows_both_ends()
    {
        await using var listener = await Listen();
        var (connection, peer) = await Accept(listener);

        peer.Send([1, 2, 3]);
        Assert.Equal([1, 2, 3], await Read(connection, 3));
        await Write(connection, [4, 5]);
        Assert.Equal([4, 5], peer.Receive(2));

        Assert.Equal(To(listener), connection.LocalEndPoint);
        Assert.Equal(Double.RawDouble.Ip(Peer.Address(0)), connection.RemoteEndPoint.Address);
        Assert.Null(connection.RemoteNode);
        Assert.Equal(new NodeId(Peer.Id()), connection.GetPeer()?.Id);
        Assert.Equal(Network, connection.Network);
        Assert.Equal(1, Loop.Counters.OpenConnections);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Connect_carries_bytes_both_ways_and_binds_the_networks_address()
    {
        var (listening, port) = PeerSocket.Listen(Peer);
        var connecting = Loop.ConnectAsync(View, new ZeroTierEndPoint(Network, Double.RawDouble.Ip(Peer.Address(0)), port), Options, Token);
        var peer = listening.Accept();
        var connection = await Bounded(connecting);

        await Write(connection, [1, 2, 3]);
        Assert.Equal([1, 2, 3], peer.Receive(3));
        peer.Send([4]);
        Assert.Equal([4], await Read(connection, 1));

        Assert.Equal(View.Addresses[0].Address, connection.LocalEndPoint.Address);
        Assert.Null(connection.RemoteNode);
        await connection.DisposeAsync();
        peer.Close();
        listening.Close();
    }

    [Fact]
    public async Task Peers_fin_ends_the_input_and_the_other_direction_goes_on()
    {
        var (connection, peer) = await Accept();
        peer.Send([1]);
        peer.Shutdown();

        Assert.Equal(1, await ReadToEnd(connection.Input));
        Assert.Null(await Bounded(connection.ReceiveEnded));
        Assert.False(connection.SendEnded.IsCompleted);
        await AssertQuiet();
        await Write(connection, Data(1000));
        Assert.Equal(Data(1000), peer.Receive(1000));

        await connection.Output.CompleteAsync();
        Assert.Null(await Bounded(connection.SendEnded));
        Assert.Equal((0, 0), peer.ReceiveToEnd());

        // Both directions have ended: the descriptor goes although nobody has let the connection go.
        Until(() => Loop.Counters.Descriptors == 0);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Completed_output_sends_fin_behind_the_last_byte_and_the_input_goes_on()
    {
        var (connection, peer) = await Accept();
        byte[] data = Data(400_000);
        var writing = Write(connection, data);
        byte[] received = peer.Receive(data.Length);
        await writing;
        await connection.Output.CompleteAsync();

        Assert.Equal(data, received);
        Assert.Equal((0, 0), peer.ReceiveToEnd());
        peer.Send([7]);
        Assert.Equal([7], await Read(connection, 1));
        peer.Close();
        Assert.Equal(0, await ReadToEnd(connection.Input));
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task Close_output_ends_sending_and_drops_the_rest()
    {
        var (connection, peer) = await Accept();
        await Write(connection, [1, 2]);
        Assert.Equal([1, 2], peer.Receive(2));

        connection.CloseOutput();
        connection.CloseOutput();

        Assert.Null(await Bounded(connection.SendEnded));
        Assert.Equal((0, 0), peer.ReceiveToEnd());
        Assert.True((await Bounded(connection.Output.WriteAsync(new byte[10], Token))).IsCompleted);
        peer.Send([3]);
        Assert.Equal([3], await Read(connection, 1));
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Dispose_delivers_what_is_queued_and_fin()
    {
        var (connection, peer) = await Accept(Options with { MaxWriteBufferSize = 0 });
        await Write(connection, Data(3_000_000));
        await Bounded(connection.DisposeAsync());
        await Bounded(connection.DisposeAsync());

        Assert.Equal((3_000_000, 0), peer.ReceiveToEnd());
        Assert.Null(await Bounded(connection.ReceiveEnded));
        Assert.Null(await Bounded(connection.SendEnded));
        Assert.Equal(0, Loop.Counters.OpenConnections);
        peer.Close();
    }

    [Fact]
    public async Task Dispose_what_the_peer_still_sends_is_discarded_without_a_reset()
    {
        var (connection, peer) = await Accept();
        await Write(connection, Data(1000));
        await connection.DisposeAsync();

        peer.Send(Data(500_000));

        Assert.Equal((1000, 0), peer.ReceiveToEnd());
        peer.Close();
        Until(() => Loop.Counters.Descriptors == 0);
    }

    [Fact]
    public async Task Dispose_peer_that_never_ends_is_waited_for_a_bounded_time()
    {
        var (connection, peer) = await Accept();
        await connection.DisposeAsync();
        Assert.Equal((0, 0), peer.ReceiveToEnd());

        Until(() => Loop.Counters.Descriptors == 0);
        peer.Close();
    }

    [Fact]
    public async Task Completed_input_discards_and_the_output_goes_on()
    {
        var (connection, peer) = await Accept();
        await connection.Input.CompleteAsync();

        peer.Send(Data(2_000_000));
        await Write(connection, [1]);

        Assert.Equal([1], peer.Receive(1));
        Until(() => Loop.Counters.BytesReceived == 2_000_000);
        peer.Close();
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task Unread_input_pauses_the_peer_and_nothing_is_lost()
    {
        const int Length = 8 * 1024 * 1024;
        var observer = new RecordingObserver();
        var (connection, peer) = await Accept(Options with { MaxReadBufferSize = 64 * 1024, Observer = observer });
        byte[] data = Data(Length);
        var sending = Task.Run(() => peer.Send(data), Token);
        await Bounded(observer.Paused.Task);

        // The loop takes no more than the limit and one call's worth.
        await AssertQuiet();
        Assert.InRange(Loop.Counters.BytesReceived, 64 * 1024, 1024 * 1024);
        Assert.False(sending.IsCompleted);

        Assert.Equal(data, await ReadAll(connection, Length));
        await Bounded(sending);
        await Bounded(observer.Resumed.Task);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Peer_that_does_not_read_pauses_the_application_and_nothing_is_lost()
    {
        const int Length = 8 * 1024 * 1024;
        var (connection, peer) = await Accept();
        byte[] data = Data(Length);
        var writing = Task.Run(async () =>
        {
            for (int i = 0; i < Length; i += 10_000)
            {
                await connection.Output.WriteAsync(data.AsMemory(i, Math.Min(10_000, Length - i)), Token);
            }
        }, Token);

        await AssertQuiet();
        Assert.False(writing.IsCompleted);
        Assert.InRange(Loop.Counters.BytesSent, 1, Length - 1);

        Assert.Equal(data, peer.Receive(Length));
        await Bounded(writing);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Idle_connections_cost_no_blocks_and_no_rounds()
    {
        await using var listener = await Listen();
        var connections = new List<ZeroTierConnection>();
        var peers = new List<PeerSocket>();
        for (int i = 0; i < 100; i++)
        {
            var (connection, peer) = await Accept(listener);
            peer.Send([1]);
            Assert.Equal([1], await Read(connection, 1));
            await Write(connection, [2]);
            peer.Receive(1);
            connections.Add(connection);
            peers.Add(peer);
        }

        Assert.Equal(100, Loop.Counters.OpenConnections);
        Assert.Equal(0, Pool.Rented);
        await AssertQuiet();
        connections.ForEach(c => Assert.True(c.DisposeAsync().IsCompletedSuccessfully));
        peers.ForEach(p => p.Close());
        Until(() => Loop.Counters.Descriptors == 1);
    }

    [Fact]
    public async Task Observer_hears_everything_once()
    {
        var observer = new RecordingObserver();
        var (connection, peer) = await Accept(Options with { Observer = observer });
        peer.Shutdown();
        await Bounded(connection.ReceiveEnded);
        await connection.Output.CompleteAsync();
        await Bounded(connection.SendEnded);
        Until(() => Loop.Counters.Descriptors == 0);

        Assert.Equal(["fin received", "fin sent"], observer.Calls);
        Assert.All(observer.Connections, c => Assert.Same(connection, c));
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Throwing_observer_harms_nothing()
    {
        var (connection, peer) = await Accept(Options with { Observer = new RecordingObserver { Throws = true } });
        peer.Send([1]);
        peer.Shutdown();
        Assert.Equal(1, await ReadToEnd(connection.Input));
        await connection.DisposeAsync();
        Assert.Equal((0, 0), peer.ReceiveToEnd());
        peer.Close();
        Until(() => Logs.Lines.Any(l => l.Event.Id == 121));
        ExpectedErrors.Add(121);
    }

    [Fact]
    public async Task Drain_ends_when_everything_has_left()
    {
        var (open, openPeer) = await Accept();
        var (closed, closedPeer) = await Accept(Options with { MaxWriteBufferSize = 0 });
        await Write(open, Data(100));
        await Write(closed, Data(2_000_000));
        await closed.DisposeAsync();
        var draining = Loop.DrainAsync(Token);

        await AssertQuiet();
        Assert.False(draining.IsCompleted);
        Assert.Equal((2_000_000, 0), closedPeer.ReceiveToEnd());
        closedPeer.Close();

        await Bounded(draining);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Loop.DrainAsync(cancelled.Token));
        await open.DisposeAsync();
        openPeer.Close();
    }

    [Fact]
    public async Task Input_completed_with_an_error_before_anything_came_is_like_completing_it()
    {
        var (connection, peer) = await Accept();
        await connection.Input.CompleteAsync(new InvalidOperationException("The consumer failed."));

        peer.Send(Data(100_000));
        await Write(connection, [1]);

        Assert.Equal([1], peer.Receive(1));
        peer.Shutdown();
        Assert.Null(await Bounded(connection.ReceiveEnded));
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Both_ends_closed_while_the_input_is_paused_loses_nothing()
    {
        var observer = new RecordingObserver();
        var (connection, peer) = await Accept(Options with { MaxReadBufferSize = 1000, Observer = observer });
        byte[] data = Data(200_000);
        peer.Send(data[..5000]);
        await Bounded(observer.Paused.Task);
        peer.Send(data[5000..]);
        peer.Shutdown();

        // The peer's end has come, too: with ours, the connection is over for libzt.
        await Task.Delay(50, Token);
        await connection.Output.CompleteAsync();
        Assert.Equal((0, 0), peer.ReceiveToEnd());
        await AssertQuiet();

        Assert.Equal(data, await Read(connection, data.Length));
        Assert.Equal(0, await ReadToEnd(connection.Input));
        Assert.Null(await Bounded(connection.ReceiveEnded));
        Assert.Null(await Bounded(connection.SendEnded));
        Assert.DoesNotContain("reset received", observer.Calls);
        Until(() => Loop.Counters.Descriptors == 0);
        await connection.DisposeAsync();
        peer.Close();
    }

    private static async Task<byte[]> ReadAll(ZeroTierConnection connection, int length)
    {
        byte[] data = new byte[length];
        int offset = 0;
        while (offset < length)
        {
            var result = await Bounded(connection.Input.ReadAsync(Token));
            foreach (var segment in result.Buffer)
            {
                segment.CopyTo(data.AsMemory(offset));
                offset += segment.Length;
            }

            connection.Input.AdvanceTo(result.Buffer.End);
            Assert.False(result.IsCompleted && offset < length, "The stream ended early.");
        }

        return data;
    }
}
