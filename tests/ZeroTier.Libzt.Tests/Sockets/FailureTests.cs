using System.Buffers;
using System.Net;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>Every script of failure: what the application sees, and that nothing hangs, spins or stays behind.</summary>
public sealed class FailureTests : SocketLoopTest
{
    private protected override SocketLoopLimits Limits { get; } = new()
    {
        LingerTime = 400,
        RouteTime = 400,
        ConnectTime = 4000,
        ResetTime = 60_000,
    };

    [Fact]
    public async Task Connect_nobody_listens_is_refused()
    {
        var error = await Fails(ZeroTierError.ConnectionRefused, () => Connect(4321));

        Assert.Contains("4321", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, Loop.Counters.ConnectionsFailed);
    }

    [Fact]
    public async Task Connect_scripted_refusal_is_refused()
    {
        Control.Configure("connect=refused");

        await Fails(ZeroTierError.ConnectionRefused, () => Connect(80));
    }

    [Fact]
    public async Task Connect_dead_host_times_out_when_libzt_gives_up()
    {
        Control.Configure("connect=silent;connect_timeout=300");

        await Fails(ZeroTierError.TimedOut, () => Connect(80));
    }

    [Fact]
    public async Task Connect_dead_host_times_out_when_we_give_up()
    {
        Control.Configure("connect=silent");

        await Fails(ZeroTierError.TimedOut, () => Connect(80));
        Assert.Equal(0, Loop.Counters.Descriptors);
    }

    [Fact]
    public async Task Connect_cancelled_ends_and_closes_the_descriptor()
    {
        Control.Configure("connect=silent");
        using var stop = new CancellationTokenSource();
        var connecting = ConnectUntil(80, stop.Token);
        Until(() => Loop.Counters.Descriptors == 1);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(connecting));
        Until(() => Loop.Counters.Descriptors == 0);
    }

    [Fact]
    public async Task Connect_no_route_at_first_is_tried_again_until_the_link_is_up()
    {
        Control.Configure("connect=noroute");
        var (listening, port) = PeerSocket.Listen(Peer);
        var connecting = Connect(port);
        await Task.Delay(150, Token);
        Assert.False(connecting.IsCompleted);

        Control.Configure("connect=ok");

        var peer = listening.Accept();
        var connection = await Bounded(connecting);
        await connection.DisposeAsync();
        peer.Close();
        listening.Close();
    }

    [Fact]
    public async Task Connect_no_route_for_good_fails_after_a_bounded_time()
    {
        Control.Configure("connect=noroute");

        await Fails(ZeroTierError.AddressNotAvailable, () => Connect(80));
    }

    [Fact]
    public async Task Connect_what_cannot_work_fails_at_once()
    {
        await Fails(
            ZeroTierError.AddressNotAvailable, () => Loop.ConnectAsync(View, new ZeroTierEndPoint(Network, 80), Options, Token).AsTask());
        await Fails(
            ZeroTierError.AddressNotAvailable,
            () => Loop.ConnectAsync(View, new ZeroTierEndPoint(Network, IPAddress.Parse("2001:db8::1"), 80), Options, Token).AsTask());
        await Fails(
            ZeroTierError.NotSupported,
            () => Loop.ConnectAsync(View, new ZeroTierEndPoint(Network, View.Addresses[0].Address, 80), Options, Token).AsTask());
        Assert.Equal(0, Control.Counter("connects"));
    }

    [Fact]
    public async Task Peers_reset_ends_both_directions_with_the_reason()
    {
        var observer = new RecordingObserver();
        var (connection, peer) = await Accept(Options with { Observer = observer });
        var reading = Bounded(connection.Input.ReadAsync(Token));

        peer.Reset();

        await Fails(ZeroTierError.ConnectionReset, () => reading);
        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(connection.ReceiveEnded))!.Error);
        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(connection.SendEnded))!.Error);
        Assert.True((await Bounded(connection.Output.WriteAsync(new byte[1], Token))).IsCompleted);
        Assert.Equal(["reset received"], observer.Calls);
        Until(() => Loop.Counters.Descriptors == 0);
        Assert.Equal(0, Loop.Counters.OpenConnections);
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task Peers_reset_while_the_input_is_paused_is_noticed()
    {
        var observer = new RecordingObserver();
        var (connection, peer) = await Accept(Options with { MaxReadBufferSize = 1000, Observer = observer });
        peer.Send(Data(5000));
        await Bounded(observer.Paused.Task);

        peer.Reset();

        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(connection.ReceiveEnded))!.Error);
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task Peers_reset_while_the_output_is_blocked_ends_the_write()
    {
        var (connection, peer) = await Accept();
        var writing = Task.Run(async () =>
        {
            while (!(await connection.Output.WriteAsync(new byte[10_000], Token)).IsCompleted)
            {
                // More, until nothing goes.
            }
        }, Token);
        await AssertQuiet();

        peer.Reset();

        await Bounded(writing);
        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(connection.SendEnded))!.Error);
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task Reset_in_the_middle_of_a_transfer_is_seen_by_both_sides()
    {
        Control.Configure("reset_after=300000");
        var (connection, peer) = await Accept();
        var sending = Task.Run(() => Assert.ThrowsAny<Exception>(() => peer.Send(Data(4_000_000))), Token);

        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(connection.ReceiveEnded))!.Error);
        await Bounded(sending);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Send_that_fails_ends_the_connection()
    {
        var (connection, peer) = await Accept();
        Control.Configure("send_error=104;send_error_count=1");

        await Write(connection, [1]);

        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(connection.SendEnded))!.Error);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Dead_peer_is_noticed_by_keep_alive()
    {
        Control.Configure("watch_peers=1");
        var (connection, peer) = await Accept(Options with { KeepAliveTime = TimeSpan.FromSeconds(1) });

        Peer.Control.Configure("vanish=1");

        Assert.Equal(ZeroTierError.TimedOut, (await Bounded(connection.ReceiveEnded))!.Error);
        await Fails(ZeroTierError.TimedOut, async () => await connection.Input.ReadAsync(Token));
        await connection.DisposeAsync();
        _ = peer;
    }

    [Theory]
    [InlineData("partial=100")]
    [InlineData("eagain=3")]
    [InlineData("eagain=2;partial=1000")]
    public async Task PartialWritesAndFalsePromises_LoseNothing(string script)
    {
        const int Length = 300_000;
        var (connection, peer) = await Accept();
        Control.Configure(script);
        byte[] data = Data(Length);

        var writing = Write(connection, data);
        var received = peer.Receive(Length);
        await writing;
        peer.Send(data);

        Assert.Equal(data, received);
        Assert.Equal(data, await Read(connection, Length));
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Eagain_storm_does_not_spin()
    {
        var (connection, peer) = await Accept();
        Control.Configure("eagain=1000000");
        peer.Send([1, 2, 3]);
        await Task.Delay(200, Token);
        long before = Control.Counter("polls");

        await Task.Delay(500, Token);

        Assert.InRange(Control.Counter("polls") - before, 1, 200);
        Control.Configure("eagain=0");
        Assert.Equal([1, 2, 3], await Read(connection, 3));
        await connection.DisposeAsync();
        peer.Close();
    }

    [Theory]
    [InlineData(12)]
    [InlineData(103)]
    [InlineData(104)]
    public async Task Accept_that_fails_is_tried_again(int error)
    {
        await using var listener = await Listen();
        Control.Configure($"accept_error={error};accept_error_count=3");

        var (connection, peer) = await Accept(listener);

        await connection.DisposeAsync();
        peer.Close();
    }

    [Theory]
    [InlineData(12)]
    [InlineData(23)]
    [InlineData(103)]
    [InlineData(104)]
    public async Task Accept_that_fails_for_ever_does_not_spin_and_the_others_go_on(int error)
    {
        await using var listener = await Listen();
        var (connection, peer) = await Accept(listener);
        Control.Configure($"accept_error={error};accept_error_count=-1");
        var waiting = PeerSocket.Connect(Peer, To(listener));
        await Task.Delay(200, Token);
        long polls = Control.Counter("polls");
        long failures = Control.Counter("accept_failures");

        await Task.Delay(500, Token);

        Assert.InRange(Control.Counter("polls") - polls, 1, 200);
        Assert.InRange(Control.Counter("accept_failures") - failures, 1, error == 23 ? 4000 : 200);
        if (error != 23)
        {
            Assert.Single(Logs.Lines, l => l.Event.Id == 201);
        }

        await Write(connection, [1]);
        Assert.Equal([1], peer.Receive(1));
        Control.Configure("accept_error=0");
        var late = await Bounded(listener.AcceptAsync(Token));
        Assert.NotNull(late);
        await late.DisposeAsync();
        await connection.DisposeAsync();
        peer.Close();
        waiting.Close();
    }

    [Fact]
    public async Task Memory_pool_that_refuses_costs_one_connection()
    {
        var empty = new CountingPool();
        var (connection, peer) = await Accept(Options with { MemoryPool = empty });
        var (other, otherPeer) = await Accept();
        empty.IsEmpty = true;

        peer.Send([1]);

        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(connection.ReceiveEnded))!.Error);
        Assert.NotEqual(0, peer.ReceiveToEnd().Error);
        otherPeer.Send([2]);
        Assert.Equal([2], await Read(other, 1));
        await connection.DisposeAsync();
        await other.DisposeAsync();
        peer.Close();
        otherPeer.Close();
        Assert.Equal(0, empty.Rented);
    }

    [Fact]
    public async Task Abort_idle_connection_resets_the_peer()
    {
        var observer = new RecordingObserver();
        var (connection, peer) = await Accept(Options with { Observer = observer });
        var reason = new ZeroTierException(ZeroTierError.NotPermitted, "No longer wanted.");

        connection.Abort(reason);
        connection.Abort();

        Assert.Same(reason, await Bounded(connection.ReceiveEnded));
        Assert.Same(reason, await Bounded(connection.SendEnded));
        Assert.Same(reason, await Assert.ThrowsAsync<ZeroTierException>(async () => await connection.Input.ReadAsync(Token)));
        Assert.Equal((0, 104), peer.ReceiveToEnd());
        Assert.Equal(["reset sent"], observer.Calls);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Abort_unread_input_resets_at_once()
    {
        var observer = new RecordingObserver();
        var (connection, peer) = await Accept(Options with { MaxReadBufferSize = 1000, Observer = observer });
        peer.Send(Data(5000));
        await Bounded(observer.Paused.Task);
        peer.Send(Data(100_000));

        connection.Abort();

        Assert.Equal((0, 104), peer.ReceiveToEnd());
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Abort_blocked_output_is_reset_by_the_library_since_the_buffer_may_drain_before_a_close()
    {
        Control.Configure("slow_tick=1000000");
        var (connection, peer) = await Accept(Options with { MaxWriteBufferSize = 0 });
        await Write(connection, Data(3_000_000));
        await AssertQuiet();

        connection.Abort();

        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(connection.ReceiveEnded))!.Error);
        Assert.Equal(1, Loop.Counters.Descriptors);
        Control.Configure("slow_tick=20");
        var (bytes, error) = peer.ReceiveToEnd();
        Assert.Equal(104, error);
        Assert.InRange(bytes, 1, 2_999_999);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Abort_behind_a_buffer_that_has_just_drained_resets_the_peer()
    {
        var (connection, peer) = await Accept(Options with { MaxWriteBufferSize = 0 });
        await Write(connection, Data(3_000_000));
        await AssertQuiet();

        // The loop looks at its sockets, is held up, and then comes to the abort: what it knows of the buffer is old by then.
        using var busy = new ManualResetEventSlim();
        using var looks = new ManualResetEventSlim();
        using var hasLooked = new ManualResetEventSlim();
        using var drained = new ManualResetEventSlim();
        Hold(busy, looks);
        Assert.True(busy.Wait(Limit, Token));
        Hold(hasLooked, drained);
        connection.Abort();
        looks.Set();
        Assert.True(hasLooked.Wait(Limit, Token));
        peer.Receive((int)Loop.Counters.BytesSent);
        drained.Set();

        Assert.Equal((0, 104), peer.ReceiveToEnd());
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Abort_then_completed_while_the_loop_sends_sends_no_fin_before_the_reset()
    {
        var observer = new RecordingObserver();
        var (connection, peer) = await Accept(Options with { Observer = observer });

        // Both end up in one batch of the loop's work: the stream's turn to send comes behind the second, and before what that asks the
        // loop for.
        Loop.Work.Schedule(
            _ =>
            {
                connection.Output.Write(new byte[1000]);
                _ = connection.Output.FlushAsync(Token);
                Loop.Work.Schedule(
                    _ =>
                    {
                        connection.Abort();
                        connection.Output.Complete();
                    },
                    null);
            },
            null);

        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(connection.SendEnded))!.Error);
        Assert.Equal(104, peer.ReceiveToEnd().Error);
        Assert.Equal(["reset sent"], observer.Calls);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Abort_after_fin_does_not_wait_for_a_reset_that_never_comes()
    {
        Control.Configure("slow_tick=1000000");
        var (connection, peer) = await Accept();
        connection.CloseOutput();
        Assert.Null(await Bounded(connection.SendEnded));

        connection.Abort();

        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(connection.ReceiveEnded))!.Error);
        Until(() => Loop.Counters.Descriptors == 0);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Output_completed_with_an_error_resets_the_peer()
    {
        var (connection, peer) = await Accept();

        await connection.Output.CompleteAsync(new InvalidOperationException("The producer failed."));

        Assert.Equal((0, 104), peer.ReceiveToEnd());
        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(connection.SendEnded))!.Error);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Input_completed_with_an_error_is_like_completing_it()
    {
        var (connection, peer) = await Accept(Options with { MaxReadBufferSize = 1000 });
        peer.Send(Data(5000));
        await Read(connection, 10);
        await connection.Input.CompleteAsync(new InvalidOperationException("The consumer failed."));

        await Write(connection, [1]);
        peer.Send(Data(100_000));

        Assert.Equal([1], peer.Receive(1));
        await connection.DisposeAsync();
        peer.Close();
    }

    // Keeps the loop's thread from the moment that it sets one until somebody sets the other.
    private void Hold(ManualResetEventSlim begun, ManualResetEventSlim end) => Loop.Work.Schedule(
        _ =>
        {
            begun.Set();
            end.Wait(Limit);
        },
        null);

    private Task<ZeroTierConnection> Connect(int port) => ConnectUntil(port, Token);

    private Task<ZeroTierConnection> ConnectUntil(int port, CancellationToken cancellationToken) =>
        Loop.ConnectAsync(
            View, new ZeroTierEndPoint(Network, Double.RawDouble.Ip(Peer.Address(0)), port), Options, cancellationToken).AsTask();
}
