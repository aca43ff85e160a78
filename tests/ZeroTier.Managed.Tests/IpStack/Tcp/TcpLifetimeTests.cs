using System.IO.Pipelines;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Listening, connecting, draining and the end of the layer as a whole.</summary>
public sealed class TcpLifetimeTests
{
    [Fact]
    public void Idle_connections_hold_no_chunks_and_leave_nothing()
    {
        using var pair = new TcpPair();
        for (int i = 0; i < 50; i++)
        {
            (TcpSocket client, TcpSocket server) = pair.Connect();
            pair.Clock.Run(
                async () =>
                {
                    await client.Output.WriteAsync(new byte[5000], CancellationToken.None);
                    ReadResult result = await server.Input.ReadAtLeastAsync(5000, CancellationToken.None);
                    server.Input.AdvanceTo(result.Buffer.End);
                },
                TcpPair.Minutes);
            pair.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(0, pair.A.Layer.Chunks.Outstanding);
            Assert.Equal(0, pair.B.Layer.Chunks.Outstanding);
            Assert.Equal(0, pair.A.Layer.Deadlines.Count);
            client.Dispose();
            server.Dispose();
        }

        pair.Clock.Advance(TimeSpan.FromSeconds(10));
        pair.A.AssertClean();
        pair.B.AssertClean();
    }

    [Fact]
    public void Drain_waits_for_the_last_acknowledgement()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        Task send = TcpTraffic.SendAsync(server.Output, 100_000, 1);
        Task drain = pair.B.Layer.DrainAsync(CancellationToken.None);
        Assert.False(drain.IsCompleted);
        Task<long> receive = TcpTraffic.ReceiveAsync(client.Input, 1);
        pair.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.True(drain.IsCompletedSuccessfully && send.IsCompletedSuccessfully && receive.IsCompletedSuccessfully);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rule_8_4_Drain_WaitsForWhatTheTransportHasNotTakenYet(bool letGo)
    {
        using var pair = new TcpPair();
        var scheduler = new QueuedScheduler();
        PipeOptions output = new(readerScheduler: scheduler, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);
        (TcpSocket client, TcpSocket server) = pair.Connect(server: TcpPair.Options with { Output = output });
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        if (letGo)
        {
            // FIN is all that is left to send.
            server.Dispose();
        }
        else
        {
            Assert.True(server.Output.WriteAsync(new byte[] { 42 }, CancellationToken.None).IsCompletedSuccessfully);
        }

        Task drain = pair.B.Layer.DrainAsync(CancellationToken.None);
        pair.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.False(drain.IsCompleted);

        scheduler.Run();
        Assert.False(drain.IsCompleted);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(drain.IsCompletedSuccessfully);
        Assert.Equal(letGo, client.ReceiveEnded.IsCompleted);
        Assert.Equal(!letGo, client.Input.TryRead(out ReadResult read) && read.Buffer.Length == 1);
    }

    [Fact]
    public void Dispose_resets_connections_and_ends_waiting_accepts()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        TcpListener listener = pair.B.Layer.Listen(null, 81);
        ValueTask<TcpSocket?> accept = listener.AcceptAsync(CancellationToken.None);
        pair.B.Dispose();
        Assert.True(accept.IsCompletedSuccessfully);
        Assert.Equal(TcpError.ConnectionAborted, TcpPeer.ResultOf(server.ReceiveEnded)!.Error);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TcpError.ConnectionReset, TcpPeer.ResultOf(client.ReceiveEnded)!.Error);
        pair.A.AssertClean();
        pair.B.AssertClean();
    }

    [Fact]
    public void Listen_same_port_twice_is_address_in_use_and_port_zero_differs()
    {
        using var pair = new TcpPair();
        using TcpListener first = pair.A.Layer.Listen(null, 80);
        Assert.Equal(TcpError.AddressInUse, Assert.Throws<TcpException>(() => pair.A.Layer.Listen(null, 80)).Error);
        using TcpListener second = pair.A.Layer.Listen(null, 0);
        using TcpListener third = pair.A.Layer.Listen(null, 0);
        Assert.NotEqual(second.Port, third.Port);
        first.Dispose();
        pair.A.Layer.Listen(null, 80).Dispose();
    }

    [Fact]
    public async Task Connect_nobody_listens_is_refused_and_cancellation_ends_an_attempt()
    {
        using var pair = new TcpPair();
        Task<TcpSocket> refused = pair.A.Layer.ConnectAsync(
            pair.A.Address, pair.B.Address, 9, cancellationToken: CancellationToken.None).AsTask();
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(refused.IsCompleted);
        Assert.Equal(TcpError.ConnectionRefused, (await Assert.ThrowsAsync<TcpException>(() => refused)).Error);
        pair.Link.Conditions.Cut = true;
        using var source = new CancellationTokenSource();
        Task<TcpSocket> cancelled = pair.A.Layer.ConnectAsync(pair.A.Address, pair.B.Address, 9, cancellationToken: source.Token).AsTask();
        await source.CancelAsync();
        Assert.True(cancelled.IsCanceled);
        Task<TcpSocket> silent = pair.A.Layer.ConnectAsync(
            pair.A.Address, pair.B.Address, 9, cancellationToken: CancellationToken.None).AsTask();
        pair.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.True(silent.IsCompleted);
        Assert.Equal(TcpError.TimedOut, (await Assert.ThrowsAsync<TcpException>(() => silent)).Error);
        pair.A.AssertClean();
    }

    [Fact]
    public async Task Connect_cancelled_as_it_succeeds_gives_its_memory_back()
    {
        using var pool = new CountingPool();
        var scheduler = new QueuedScheduler();
        using var peer = new TcpPeer();
        using var layer = new TcpLayer(
            peer.Link.OutputOf(peer.Host.Mac), peer.Clock, new SeededRandom(7), new TcpLayerOptions { Scheduler = scheduler });
        var input = new PipeOptions(pool, PipeScheduler.Inline, PipeScheduler.Inline, useSynchronizationContext: false);
        using var cancellation = new CancellationTokenSource();
        Task<TcpSocket> attempt = layer.ConnectAsync(
            peer.Host.Address, peer.Address, TcpPeer.Port, TcpPair.Options with { Input = input }, cancellation.Token).AsTask();
        TcpSegment syn = peer.Expect(TcpFlags.Syn);
        Post(TcpFlags.Syn | TcpFlags.Ack, peer.OurNext - 1);
        Post(TcpFlags.Ack, peer.OurNext, "hello");
        layer.EndOfBatch();
        Assert.NotEqual(0, pool.Rented);
        await cancellation.CancelAsync();
        scheduler.Run();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => attempt);
        Assert.Equal(0, pool.Rented);
        Assert.Equal(0, layer.SocketCount);

        void Post(TcpFlags flags, uint sequence, string? payload = null)
        {
            OutgoingSegment segment = peer.Segment(flags, sequence, syn.Sequence + 1, payload: payload);
            segment.DestinationPort = syn.SourcePort;
            byte[] bytes = new byte[segment.Length];
            segment.Write(peer.Address, peer.Host.Address, bytes);
            layer.OnSegment(peer.Address, peer.Host.Address, peer.Mac, bytes);
        }
    }

    /// <summary>Runs nothing until it is told to, as a busy thread pool.</summary>
    private sealed class QueuedScheduler : PipeScheduler
    {
        private readonly Queue<(Action<object?> Action, object? State)> _work = new();

        public override void Schedule(Action<object?> action, object? state) => _work.Enqueue((action, state));

        public void Run()
        {
            while (_work.TryDequeue(out (Action<object?> Action, object? State) work))
            {
                work.Action(work.State);
            }
        }
    }
}
