using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Section 6 of the transport contract.</summary>
public class ConnectionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_6_1_Features_are_those_of_sockets_without_the_socket_and_with_the_peer()
    {
        var (ours, _, _) = Pair();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var listening = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listening.Listen();
        await socket.ConnectAsync(listening.LocalEndPoint!, Cancel);
        using var factory = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), NullLogger.Instance);
        await using var theirs = factory.Create(socket);
        var expected = theirs.Features.Select(f => f.Key).Where(t => t != typeof(IConnectionSocketFeature)).Append(typeof(IZeroTierPeerFeature)).Order(Names).ToArray();
        Assert.Equal(expected, ours.Features.Select(f => f.Key).Order(Names));
        ours.Features.Set<IConnectionMetricsTagsFeature>(null);
        Assert.False(ours.Features.IsReadOnly);
        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_1_The_path_to_the_peer_is_read_live_and_unknown_until_the_engine_knows_it()
    {
        var (ours, engine, _) = Pair();
        var peer = ours.Features.Get<IZeroTierPeerFeature>()!;
        Assert.False(peer.IsDirect);
        Assert.Null(peer.Latency);
        engine.Peer = new ZeroTierPeer(new NodeId(2), ZeroTierPeerRole.Leaf) { IsDirect = true };
        Assert.True(peer.IsDirect);
        Assert.Null(peer.Latency);
        engine.Peer = engine.Peer with { IsDirect = false, Latency = TimeSpan.FromMilliseconds(5) };
        Assert.False(peer.IsDirect);
        Assert.Equal(TimeSpan.FromMilliseconds(5), peer.Latency);
        await ours.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_6_2_Requests_work_with_and_without_metrics_attached(bool measured)
    {
        var measurements = new System.Collections.Concurrent.ConcurrentBag<string>();
        using var listener = new MeterListener();
        if (measured)
        {
            listener.InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == "Microsoft.AspNetCore.Server.Kestrel")
                {
                    l.EnableMeasurementEvents(instrument);
                }
            };
            listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) => measurements.Add($"{instrument.Name} {string.Join(',', tags.ToArray())}"));
            listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => measurements.Add($"{instrument.Name} {string.Join(',', tags.ToArray())}"));
            listener.Start();
        }

        await using var host = await TestHost.StartAsync();
        host.App.MapGet("/ends", (HttpContext c) => $"{c.Connection.LocalIpAddress}:{c.Connection.LocalPort} {c.Connection.RemoteIpAddress} {c.GetZeroTierPeer()!.Node}");
        host.Http.DefaultRequestHeaders.ConnectionClose = true;
        Assert.Equal($"10.147.17.1:8080 10.147.17.2 {host.Client.KnownId}", await host.GetAsync(path: "/ends"));
        Assert.Equal(
            $"{host.Server.IPv6}:8080 {host.Client.IPv6} {host.Client.KnownId}",
            await host.Http.GetStringAsync($"http://[{host.Server.IPv6}]:8080/ends", Cancel));
        if (measured)
        {
            await TestHost.EventuallyAsync(
                () => measurements.Any(m => m.StartsWith("kestrel.connection.duration", StringComparison.Ordinal) && m.Contains("[zerotier.network.id, 8056c2e21c000001]", StringComparison.Ordinal)),
                "the duration is measured, tagged");
            Assert.Contains(measurements, m => m.Contains("[server.address, 10.147.17.1]", StringComparison.Ordinal));
            Assert.DoesNotContain(measurements, m => m.Contains(host.Client.KnownId.ToString(), StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Rule_6_2_Addresses_stay_readable_after_close()
    {
        var (ours, _, _) = Pair();
        await ours.DisposeAsync();
        Assert.IsType<IPEndPoint>(ours.LocalEndPoint);
        Assert.IsType<IPEndPoint>(ours.RemoteEndPoint);
    }

    [Fact]
    public async Task Rule_6_3_A_swapped_transport_does_not_keep_ours_open()
    {
        var (ours, engine, peer) = Pair();
        ours.Transport = new Swapped();
        await ours.DisposeAsync();
        Assert.Null(await peer.ReceiveEnded.WaitAsync(TestHost.Limit, Cancel));
        Assert.Equal(["FIN"], engine.Wire);
    }

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
        Assert.Equal([8, 14], logs.ConnectionEvents);
        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_7_The_reason_of_an_abort_is_in_the_log_before_the_engine_acts_on_it()
    {
        var logs = new LogCollector();
        var (ours, engine, _) = Pair(logs);
        int[] before = [];
        engine.Aborting = () => before = logs.ConnectionEvents;
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
        Assert.Equal([19, 8], logs.ConnectionEvents);
        await ours.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_6_7_A_flush_says_completed_whatever_the_engine_failed_with(bool waiting)
    {
        var here = new IPEndPoint(IPAddress.Parse("10.147.17.1"), 80);
        var engine = new FakeConnection(FakeNetwork.DefaultId, here, here, new NodeId(2), ZeroTierTransportOptions.Default);
        var ours = new TransportConnection(engine, ZeroTierTransportOptions.Default.MemoryPool, NullLogger.Instance);
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
        Assert.Equal([6, 7], logs.ConnectionEvents);

        logs.Lines.Clear();
        var (weFirst, _, _) = Pair(logs);
        weFirst.Abort(new ConnectionAbortedException("enough"));
        await weFirst.DisposeAsync();
        Assert.Equal([8], logs.ConnectionEvents);

        logs.Lines.Clear();
        var (reset, _, resetting) = Pair(logs);
        resetting.Abort();
        await TestHost.EventuallyAsync(() => reset.ConnectionClosed.IsCancellationRequested, "closed");
        await reset.DisposeAsync();
        Assert.Equal([19, 7], logs.ConnectionEvents);
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
        Assert.Equal([6], logs.ConnectionEvents);
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
        // What a handler does that writes until its request is aborted: a flush that were over at once would have it spin on a thread of the pool.
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

        // Each later one gives the others in the queue their turn, too. This thread may lose the race to see it a few times, not every time.
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

    [Fact]
    public async Task Rule_6_11_Dispose_never_throws_and_never_waits_for_the_peer()
    {
        var (ours, engine, _) = Pair();
        engine.DisposeFailure = new InvalidOperationException("engine fault");
        await ours.DisposeAsync().AsTask().WaitAsync(TestHost.Limit, Cancel);
        await ours.DisposeAsync().AsTask().WaitAsync(TestHost.Limit, Cancel);
        Assert.True(ours.ConnectionClosed.IsCancellationRequested);
    }

    [Fact]
    public async Task Rule_6_11_Shutdown_is_quick_although_connections_fail_to_dispose()
    {
        await using var host = await TestHost.StartAsync();
        await host.GetAsync();
        foreach (var connection in host.Server.Connections)
        {
            connection.DisposeFailure = new InvalidOperationException("engine fault");
        }

        await host.App.StopAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(10), Cancel);
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
        Assert.Equal([logged], logs.ConnectionEvents);

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
        Assert.Equal([19, 7], logs.ConnectionEvents);
    }

    [Fact]
    public async Task Rule_6_13_Nothing_runs_before_the_start()
    {
        var logs = new LogCollector();
        var (ours, engine, peer) = Pair(logs, start: false);
        await peer.Output.CompleteAsync();
        await engine.ReceiveEnded.WaitAsync(TestHost.Limit, Cancel);
        await ours.Transport.Output.CompleteAsync();
        await engine.SendEnded.WaitAsync(TestHost.Limit, Cancel);
        Assert.False(ours.ConnectionClosed.IsCancellationRequested);
        Assert.Empty(logs.ConnectionEvents);

        ours.Start();
        await TestHost.EventuallyAsync(() => ours.ConnectionClosed.IsCancellationRequested, "closed");
        await ours.DisposeAsync();
    }

    [Fact]
    public async Task Rule_6_13_A_connection_that_cannot_be_set_up_is_reset_and_counted_and_the_listener_lives()
    {
        await using var host = await TestHost.StartAsync();
        var listener = Assert.Single(host.Server.Listeners);
        var here = new IPEndPoint(host.Server.IPv4, 8080);
        var there = new IPEndPoint(host.Client.IPv4, 1);
        var broken = new FakeConnection(FakeNetwork.DefaultId, here, there, host.Client.KnownId, listener.Options) { ThrowOnUse = true };
        broken.Connect(new FakeConnection(FakeNetwork.DefaultId, there, here, host.Server.KnownId, listener.Options));
        listener.Offer(broken);
        await TestHost.EventuallyAsync(() => host.Listeners.FailedConnections == 1, "counted");
        await TestHost.EventuallyAsync(() => broken.Wire.Contains("RST"), "reset");
        await TestHost.EventuallyAsync(() => broken.IsDisposed, "given up, with its buffers");
        Assert.Equal("hello", await host.GetAsync());
        Assert.Empty(host.Logs.At(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_2_Abort_and_dispose_from_two_threads_leave_the_process_alive()
    {
        for (int i = 0; i < 10_000; i++)
        {
            var (ours, _, _) = Pair();
            await Task.WhenAll(
                Task.Run(() => ours.Abort(new ConnectionAbortedException("race")), Cancel),
                Task.Run(async () => await ours.DisposeAsync(), Cancel)).WaitAsync(TestHost.Limit, Cancel);
        }
    }

    [Fact]
    public async Task Rule_6_4_Options_reach_the_pipes()
    {
        await using var host = await TestHost.StartAsync(zt =>
        {
            zt.Listen(8080);
            zt.MaxReadBufferSize = 4096;
            zt.MaxWriteBufferSize = null;
            zt.Backlog = 7;
        });
        var options = Assert.Single(host.Server.Listeners).Options;
        Assert.Equal(4096, options.InputPipeOptions.PauseWriterThreshold);
        Assert.Equal(2048, options.InputPipeOptions.ResumeWriterThreshold);
        Assert.Equal(0, options.OutputPipeOptions.PauseWriterThreshold);
        Assert.Equal(7, options.Backlog);
        Assert.Same(PipeScheduler.ThreadPool, options.InputPipeOptions.ReaderScheduler);
        Assert.IsType<IOQueues>(options.InputPipeOptions.WriterScheduler);
        Assert.IsType<IOQueues>(options.OutputPipeOptions.ReaderScheduler);
        Assert.False(options.InputPipeOptions.UseSynchronizationContext);
    }

    [Fact]
    public void Rule_7_1_Defaults_are_those_of_sockets()
    {
        var ours = new ZeroTierOptions();
        var sockets = new SocketTransportOptions();
        Assert.Equal(sockets.MaxReadBufferSize, ours.MaxReadBufferSize);
        Assert.Equal(sockets.MaxWriteBufferSize, ours.MaxWriteBufferSize);
        Assert.Equal(sockets.Backlog, ours.Backlog);
        Assert.Equal(sockets.IOQueueCount, ours.IOQueueCount);
        Assert.Equal(sockets.UnsafePreferInlineScheduling, ours.UnsafePreferInlineScheduling);
    }

    [Fact]
    public async Task IOQueues_UnderLoad_RunEverythingOnceAndInOrder()
    {
        var queues = new IOQueues(4);
        var done = new TaskCompletionSource();
        object state = new();
        var seen = new List<int>();
        for (int i = 0; i < 10_000; i++)
        {
            int number = i;
            queues.Schedule(_ =>
            {
                seen.Add(number);
                if (number == 9_999)
                {
                    done.SetResult();
                }
            }, state);
        }

        await done.Task.WaitAsync(TestHost.Limit, Cancel);
        Assert.Equal(Enumerable.Range(0, 10_000), seen);
    }

    [Fact]
    public async Task A_connection_has_one_id_for_the_engines_events_and_for_kestrel()
    {
        var (ours, engine, other) = Pair();
        Assert.Equal(ours.ConnectionId, ConnectionIds.Of(engine));
        Assert.NotEqual(ours.ConnectionId, ConnectionIds.Of(other));
        await ours.DisposeAsync();
    }

    [Fact]
    public void IOQueues_ItemsThatComeWhileTheQueueRunsDry_AreRun()
    {
        var queues = new IOQueues(1);
        object state = new();
        int ran = 0;
        for (int i = 1; i <= 50_000; i++)
        {
            // The next one comes when the last one has just run, which is when the queue's thread is about to leave.
            queues.Schedule(_ => Volatile.Write(ref ran, ran + 1), state);
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref ran) == i, TestHost.Limit), $"Item {i} was left lying.");
        }
    }

    private static readonly Comparer<Type> Names = Comparer<Type>.Create((left, right) => string.CompareOrdinal(left.FullName, right.FullName));

    private static Task BreakAsync(FakeConnection engine)
    {
        engine.Break(new ZeroTierException(ZeroTierError.ConnectionReset, "it broke"));
        return engine.Sending.WaitAsync(TestHost.Limit, Cancel);
    }

    private static (TransportConnection Ours, FakeConnection Engine, FakeConnection Peer) Pair(LogCollector? logs = null, bool start = true)
    {
        var here = new IPEndPoint(IPAddress.Parse("10.147.17.1"), 80);
        var there = new IPEndPoint(IPAddress.Parse("10.147.17.2"), 50001);
        var engine = new FakeConnection(FakeNetwork.DefaultId, here, there, new NodeId(2), ZeroTierTransportOptions.Default);
        var peer = new FakeConnection(FakeNetwork.DefaultId, there, here, new NodeId(1), ZeroTierTransportOptions.Default);
        engine.Connect(peer);
        var logger = logs?.CreateLogger(TransportLog.ServerCategory) ?? NullLogger.Instance;
        var ours = new TransportConnection(engine, ZeroTierTransportOptions.Default.MemoryPool, logger);
        if (start)
        {
            ours.Start();
        }

        return (ours, engine, peer);
    }

    private sealed class Swapped : IDuplexPipe
    {
        private readonly Pipe _pipe = new();

        public PipeReader Input => _pipe.Reader;

        public PipeWriter Output => _pipe.Writer;
    }
}
