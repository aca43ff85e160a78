using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>How a connection ends, and who hears of it in which order.</summary>
public partial class ConnectionTests
{
    [Fact]
    public async Task Rule_6_6_Abort_without_a_reason_sends_FIN_and_with_one_RST()
    {
        var (graceful, gracefulEngine, _) = Pair();
        graceful.Abort(null!);
        graceful.Abort(new ConnectionAbortedException("too late"));
        await gracefulEngine.SendEnded.WaitAsync(TestHost.Limit, Cancel);
        Assert.Throws<ConnectionAbortedException>(() => graceful.Transport.Input.TryRead(out _));
        Assert.Throws<ConnectionAbortedException>(() => graceful.Transport.Input.TryRead(out _));
        await graceful.DisposeAsync();
        graceful.Abort(new ConnectionAbortedException("after dispose"));
        Assert.Equal(["FIN"], gracefulEngine.Wire);

        var (hard, hardEngine, peer) = Pair();
        hard.Abort(new ConnectionAbortedException("first"));
        hard.Abort(null!);
        Assert.Equal(ZeroTierError.ConnectionReset, (await peer.ReceiveEnded.WaitAsync(TestHost.Limit, Cancel))!.Error);
        var seen = await Assert.ThrowsAsync<ConnectionAbortedException>(() => hard.Transport.Input.ReadAsync(Cancel).AsTask());
        Assert.Equal("first", seen.Message);
        await hard.DisposeAsync();
        Assert.Equal(["RST"], hardEngine.Wire);
    }

    [Fact]
    public async Task Rule_6_6_An_abort_that_the_engine_refuses_does_not_throw_and_ends_the_connection_here()
    {
        var logs = new LogCollector();
        var (ours, engine, _) = Pair(logs);
        engine.Aborting = () => throw new InvalidOperationException("engine fault");
        var read = ours.Transport.Input.ReadAsync(Cancel).AsTask();
        ours.Abort(new ConnectionAbortedException("enough"));
        var seen = await Assert.ThrowsAsync<ConnectionAbortedException>(() => read.WaitAsync(TestHost.Limit, Cancel));
        Assert.Equal("enough", seen.Message);
        await TestHost.EventuallyAsync(() => ours.ConnectionClosed.IsCancellationRequested, "closed");
        Assert.Equal([8, 14], logs.EventsOf(TransportLog.ServerCategory));
        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_7_The_reason_of_an_abort_is_in_the_log_before_the_engine_acts_on_it()
    {
        var logs = new LogCollector();
        var (ours, engine, _) = Pair(logs);
        int[] before = [];
        engine.Aborting = () => before = logs.EventsOf(TransportLog.ServerCategory);
        ours.Abort(new ConnectionAbortedException("enough"));
        Assert.Equal([8], before);
        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_7_A_reset_is_in_the_log_before_the_read_that_tells_of_it()
    {
        var logs = new LogCollector();
        var (ours, engine, _) = Pair(logs);
        engine.BreakReading(new ZeroTierException(ZeroTierError.ConnectionReset, "it broke"));
        await Assert.ThrowsAsync<ConnectionResetException>(() => ours.Transport.Input.ReadAsync(Cancel).AsTask());
        ours.Abort(new ConnectionAbortedException("what the application does about it"));
        Assert.Equal([19, 8], logs.EventsOf(TransportLog.ServerCategory));
        await ours.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_6_7_A_flush_says_completed_whatever_the_engine_failed_with(bool waiting)
    {
        var here = new IPEndPoint(IPAddress.Parse("10.147.17.1"), 80);
        var engine = new FakeConnection(FakeNetwork.DefaultId, here, here, new NodeId(2), ZeroTierConnectionOptions.Default);
        var ours = new TransportConnection(
            engine, new FakeNetwork().CreateNode(), ZeroTierConnectionOptions.Default.MemoryPool, NullLogger.Instance);
        ours.Start();
        var flush = waiting ? ours.Transport.Output.WriteAsync(new byte[100_000], Cancel).AsTask() : null;
        Assert.False(flush?.IsCompleted == true);
        engine.FailSending(new ZeroTierException(ZeroTierError.TimedOut, "the peer is silent"));
        flush ??= ours.Transport.Output.FlushAsync(Cancel).AsTask();
        Assert.True((await flush.WaitAsync(TestHost.Limit, Cancel)).IsCompleted);
        Assert.True((await ours.Transport.Output.WriteAsync(new byte[10], Cancel).AsTask().WaitAsync(TestHost.Limit, Cancel)).IsCompleted);
        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_7_Log_events_have_the_order_of_sockets()
    {
        var logs = new LogCollector();
        var (peerFirst, _, peer) = Pair(logs);
        await peer.Output.CompleteAsync();
        await TestHost.EventuallyAsync(() => peerFirst.ConnectionClosed.IsCancellationRequested, "closed");
        Assert.True((await peerFirst.Transport.Input.ReadAsync(Cancel)).IsCompleted);
        peerFirst.Abort(null!);
        await peerFirst.DisposeAsync();
        Assert.Equal([6, 7], logs.EventsOf(TransportLog.ServerCategory));

        logs.Lines.Clear();
        var (weFirst, _, _) = Pair(logs);
        weFirst.Abort(new ConnectionAbortedException("enough"));
        await weFirst.DisposeAsync();
        Assert.Equal([8], logs.EventsOf(TransportLog.ServerCategory));

        logs.Lines.Clear();
        var (reset, _, resetting) = Pair(logs);
        resetting.Abort();
        await TestHost.EventuallyAsync(() => reset.ConnectionClosed.IsCancellationRequested, "closed");
        await reset.DisposeAsync();
        Assert.Equal([19, 7], logs.EventsOf(TransportLog.ServerCategory));
        Assert.All(logs.Lines, line => Assert.Equal(LogLevel.Debug, line.Level));
    }

    [Fact]
    public async Task Rule_6_7_The_application_hears_of_an_end_once_it_is_in_the_log()
    {
        // Else what the application does next may be logged first.
        var logs = new LogCollector();
        using var logging = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        logs.OnLine = _ =>
        {
            logging.Set();
            goOn.Wait(TestHost.Limit);
        };
        var (ours, _, peer) = Pair(logs);
        await peer.Output.CompleteAsync();
        Assert.True(logging.Wait(TestHost.Limit, Cancel));

        var read = Task.Run(() => ours.Transport.Input.ReadAsync(Cancel).AsTask(), Cancel);
        await Task.WhenAny(read, Task.Delay(100, Cancel));
        bool heard = read.IsCompleted || ours.ConnectionClosed.IsCancellationRequested;
        goOn.Set();

        Assert.False(heard);
        Assert.True((await read.WaitAsync(TestHost.Limit, Cancel)).IsCompleted);
        Assert.Equal([6], logs.EventsOf(TransportLog.ServerCategory));
        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_8_Closed_callbacks_run_on_the_pool_and_may_block_or_throw()
    {
        var (slow, _, slowPeer) = Pair();
        var (other, _, otherPeer) = Pair();
        using var gate = new ManualResetEventSlim();
        slow.ConnectionClosed.Register(gate.Wait);
        other.ConnectionClosed.Register(() => throw new InvalidOperationException("callback"));
        await slowPeer.Output.CompleteAsync();
        await otherPeer.Output.CompleteAsync();
        await TestHost.EventuallyAsync(() => other.ConnectionClosed.IsCancellationRequested, "the other connection closed");
        await other.DisposeAsync().AsTask().WaitAsync(TestHost.Limit, Cancel);

        // The token's source lives until its callbacks have ended, whoever asks.
        var disposals = new[] { slow.DisposeAsync().AsTask(), slow.DisposeAsync().AsTask() };
        await Task.WhenAny([.. disposals, Task.Delay(50, Cancel)]);
        Assert.All(disposals, disposal => Assert.False(disposal.IsCompleted));
        gate.Set();
        await Task.WhenAll(disposals).WaitAsync(TestHost.Limit, Cancel);
    }

    [Fact]
    public async Task Rule_6_8_A_flush_tells_of_the_end_after_the_callbacks_did()
    {
        // What a handler does that writes until its request is aborted: a flush that were over at once would have it spin on a thread of
        // the pool.
        var (ours, engine, _) = Pair();
        using var gate = new ManualResetEventSlim();
        ours.ConnectionClosed.Register(gate.Wait);
        await BreakAsync(engine);
        Task<FlushResult> flush;
        try
        {
            flush = ours.Transport.Output.WriteAsync(new byte[10], Cancel).AsTask();
            Assert.False(flush.IsCompleted);
        }
        finally
        {
            gate.Set();
        }

        Assert.True((await flush.WaitAsync(TestHost.Limit, Cancel)).IsCompleted);
        Assert.True(ours.ConnectionClosed.IsCancellationRequested);

        // Each later one gives the others in the queue their turn, too. This thread may lose the race to see it a few times, not every
        // time.
        bool waited = false;
        for (int i = 0; i < 20; i++)
        {
            var later = ours.Transport.Output.FlushAsync(Cancel).AsTask();
            waited |= !later.IsCompleted;
            Assert.True((await later.WaitAsync(TestHost.Limit, Cancel)).IsCompleted);
        }

        Assert.True(waited);
        await ours.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_6_8_The_callbacks_of_a_connection_that_is_written_to_run_inside_a_flush(bool reset)
    {
        // From the callbacks on Kestrel ignores writes, so a handler between two flushes would spin until its abort has run.
        var (ours, _, peer) = Pair(grace: TestHost.Limit);
        bool flushing = false;
        var found = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        ours.ConnectionClosed.Register(() => found.TrySetResult(Volatile.Read(ref flushing)));
        var reading = peer.Input.CopyToAsync(Stream.Null, Cancel);
        if (reset)
        {
            peer.Abort();
        }
        else
        {
            await peer.Output.CompleteAsync();
        }

        await Task.WhenAny(found.Task, Task.Delay(100, Cancel));
        Assert.False(found.Task.IsCompleted);
        Volatile.Write(ref flushing, true);
        await ours.Transport.Output.WriteAsync(new byte[10], Cancel).AsTask().WaitAsync(TestHost.Limit, Cancel);
        Volatile.Write(ref flushing, false);
        Assert.True(await found.Task.WaitAsync(TestHost.Limit, Cancel));
        await ours.DisposeAsync();
        await Record.ExceptionAsync(() => reading);
    }

    [Fact]
    public async Task Rule_6_8_The_callbacks_wait_for_a_writer_only_so_long_and_not_for_one_that_is_done()
    {
        var (silent, _, silentPeer) = Pair();
        await silentPeer.Output.CompleteAsync();
        await TestHost.EventuallyAsync(() => silent.ConnectionClosed.IsCancellationRequested, "closed without a flush");
        await silent.DisposeAsync();

        var (done, _, donePeer) = Pair(grace: Timeout.InfiniteTimeSpan);
        await done.Transport.Output.CompleteAsync();
        await donePeer.Output.CompleteAsync();
        await TestHost.EventuallyAsync(() => done.ConnectionClosed.IsCancellationRequested, "closed");
        await done.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_8_A_flush_that_waits_for_the_callbacks_can_be_cancelled()
    {
        var (ours, engine, _) = Pair();
        using var gate = new ManualResetEventSlim();
        ours.ConnectionClosed.Register(gate.Wait);
        await BreakAsync(engine);
        try
        {
            using var stop = new CancellationTokenSource();
            var flush = ours.Transport.Output.WriteAsync(new byte[10], stop.Token).AsTask();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush.WaitAsync(TestHost.Limit, Cancel));
        }
        finally
        {
            gate.Set();
        }

        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_8_A_callback_that_waits_for_a_flush_ends()
    {
        var (ours, engine, _) = Pair();
        ours.ConnectionClosed.Register(() => ours.Transport.Output.AsStream().Write(new byte[10]));
        await BreakAsync(engine);
        await ours.DisposeAsync().AsTask().WaitAsync(TestHost.Limit, Cancel);
    }

    [Fact]
    public async Task Rule_6_8_An_abort_after_the_peers_FIN_does_not_take_its_last_bytes()
    {
        var (ours, _, peer) = Pair();
        await peer.Output.WriteAsync(new byte[] { 1, 2, 3 }, Cancel);
        await peer.Output.CompleteAsync();
        await TestHost.EventuallyAsync(() => ours.ConnectionClosed.IsCancellationRequested, "closed");
        ours.Abort(null!);
        var read = await ours.Transport.Input.ReadAtLeastAsync(3, Cancel);
        Assert.Equal(3, read.Buffer.Length);
        ours.Transport.Input.AdvanceTo(read.Buffer.End);
        Assert.True((await ours.Transport.Input.ReadAsync(Cancel)).IsCompleted);
        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_10_Completing_the_output_ends_the_receive_side_too()
    {
        var (ours, engine, peer) = Pair();
        var read = ours.Transport.Input.ReadAsync(Cancel).AsTask();
        await ours.Transport.Output.WriteAsync(new byte[] { 1, 2, 3 }, Cancel);
        await ours.Transport.Output.CompleteAsync();
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => read.WaitAsync(TestHost.Limit, Cancel));
        await TestHost.EventuallyAsync(() => ours.ConnectionClosed.IsCancellationRequested, "closed without waiting for the peer");
        var received = await peer.Input.ReadAtLeastAsync(3, Cancel);
        Assert.Equal(3, received.Buffer.Length);
        Assert.Equal(["FIN"], engine.Wire);
        await ours.DisposeAsync();
    }

    [Theory]
    [InlineData(ZeroTierError.ConnectionReset, typeof(ConnectionResetException), 19)]
    [InlineData(ZeroTierError.TimedOut, typeof(ZeroTierException), 14)]
    [InlineData(ZeroTierError.NotRunning, typeof(ZeroTierException), 14)]
    [InlineData(ZeroTierError.ConnectionAborted, typeof(ConnectionAbortedException), 14)]
    public async Task Rule_6_12_Errors_map_to_three_kinds(ZeroTierError error, Type expected, int logged)
    {
        var logs = new LogCollector();
        var (ours, engine, _) = Pair(logs);
        var read = ours.Transport.Input.ReadAsync(Cancel).AsTask();
        engine.Break(new ZeroTierException(error, "it broke"));
        var seen = await Record.ExceptionAsync(() => read.WaitAsync(TestHost.Limit, Cancel));
        Assert.IsType(expected, seen);
        Assert.IsType(expected, Record.Exception(() => ours.Transport.Input.TryRead(out _)));
        await TestHost.EventuallyAsync(() => !logs.Lines.IsEmpty, "logged");
        Assert.Equal([logged], logs.EventsOf(TransportLog.ServerCategory));

        await engine.Sending.WaitAsync(TestHost.Limit, Cancel);
        var flush = await ours.Transport.Output.WriteAsync(new byte[10], Cancel).AsTask().WaitAsync(TestHost.Limit, Cancel);
        Assert.True(flush.IsCompleted);
        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_12_A_loss_that_the_sending_side_hears_of_first_is_read_as_what_it_is()
    {
        var logs = new LogCollector();
        var (ours, engine, _) = Pair(logs);
        var error = new ZeroTierException(ZeroTierError.ConnectionReset, "it broke");
        engine.BreakSending(error);
        await TestHost.EventuallyAsync(() => ours.ConnectionClosed.IsCancellationRequested, "closed");

        // What Kestrel does when it hears of the end.
        ours.Abort(null!);
        var read = ours.Transport.Input.ReadAsync(Cancel).AsTask();
        engine.Break(error);
        await Assert.ThrowsAsync<ConnectionResetException>(() => read.WaitAsync(TestHost.Limit, Cancel));
        await ours.DisposeAsync();
        Assert.Equal([19, 7], logs.EventsOf(TransportLog.ServerCategory));
    }

    private static Task BreakAsync(FakeConnection engine)
    {
        engine.Break(new ZeroTierException(ZeroTierError.ConnectionReset, "it broke"));
        return engine.Sending.WaitAsync(TestHost.Limit, Cancel);
    }
}
