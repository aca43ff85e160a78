using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>What the layer does around its connections.</summary>
public sealed class TcpLayerTests
{
    private const TcpFlags Ack = TcpFlags.Ack;
    private const TcpFlags Syn = TcpFlags.Syn;

    [Fact]
    public void Remove_address_connections_of_that_address_are_reset_listeners_and_others_stay()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        using TcpListener listener = pair.B.Layer.Listen(null, 81);
        pair.B.Layer.RemoveAddress(pair.A.Address);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TcpState.Established, server.State);
        pair.B.Layer.RemoveAddress(pair.B.Address);
        Assert.Equal(TcpError.AddressNotAvailable, TcpPeer.ResultOf(server.ReceiveEnded)!.Error);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TcpError.ConnectionReset, TcpPeer.ResultOf(client.ReceiveEnded)!.Error);
        Assert.False(listener.AcceptAsync(CancellationToken.None).IsCompleted);
        pair.A.AssertClean();
        pair.B.AssertClean();
    }

    [Fact]
    public void Observer_orderly_end_hears_fins_in_order_and_no_reset()
    {
        using var pair = new TcpPair();
        var observer = new Recorder();
        (TcpSocket client,
            TcpSocket server) = pair.Connect(server: TcpPair.Options with { Observer = observer, Input = TcpPair.InlinePipe(8192) });
        pair.Clock.Run(
            async () =>
            {
                await TcpTraffic.SendAsync(client.Output, 10_000, 1);
                Assert.Equal(10_000, await TcpTraffic.ReceiveAsync(server.Input, 1));
                await server.Output.CompleteAsync();
                await TcpTraffic.ReceiveAsync(client.Input, 1);
            },
            TcpPair.Minutes);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["fin received", "fin sent"], observer.Events.Where(e => e is not ("paused" or "resumed")));
    }

    [Fact]
    public void Observer_reader_stops_and_goes_on_hears_paused_then_resumed_in_turns()
    {
        using var pair = new TcpPair();
        var observer = new Recorder();
        (TcpSocket client, TcpSocket server) = pair.Connect(
            server: TcpPair.Options with
            {
                Observer = observer,
                Input = TcpPair.InlinePipe(8192),
                ReceiveWindow = 16_384,
                MaxReceiveWindow = 16_384,
            });
        _ = TcpTraffic.SendAsync(client.Output, 100_000, 1);
        pair.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(["paused"], observer.Events);
        pair.Clock.Run(async () => Assert.Equal(100_000, await TcpTraffic.ReceiveAsync(server.Input, 1)), TcpPair.Minutes);
        string[] turns = [.. observer.Events.Where(e => e is "paused" or "resumed")];
        Assert.All(turns, (turn, i) => Assert.Equal(i % 2 == 0 ? "paused" : "resumed", turn));
        Assert.Equal("resumed", turns[^1]);
    }

    [Fact]
    public void Observer_resets_are_told_once_and_as_what_they_were()
    {
        using var pair = new TcpPair();
        var client = new Recorder();
        var server = new Recorder();
        (TcpSocket a, _) = pair.Connect(TcpPair.Options with { Observer = client }, TcpPair.Options with { Observer = server });
        a.Abort();
        a.Abort();
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["reset sent"], client.Events);
        Assert.Equal(["reset received"], server.Events);
    }

    [Fact]
    public async Task Rfc9293_3_5_SimultaneousOpen_BothSynsCross_TheConnectionOpens()
    {
        using var peer = new TcpPeer();
        Task<TcpSocket> connect = peer.Host.Layer.ConnectAsync(
            peer.Host.Address, peer.Address, TcpPeer.Port, TcpPair.Options, CancellationToken.None).AsTask();
        TcpSegment syn = peer.Expect(Syn);
        peer.Send(peer.Segment(Syn, 1000) with { DestinationPort = syn.SourcePort });
        TcpSegment answer = peer.Expect(Syn | Ack);
        Assert.Equal(syn.Sequence, answer.Sequence);
        Assert.Equal(1001u, answer.Acknowledgement);
        Assert.False(connect.IsCompleted);
        peer.Send(peer.Segment(Syn | Ack, 1000, syn.Sequence + 1) with { DestinationPort = syn.SourcePort });
        peer.Send(peer.Segment(Ack, 1001, syn.Sequence + 1, payload: "hello") with { DestinationPort = syn.SourcePort });
        Assert.True(connect.IsCompletedSuccessfully);
        TcpSocket socket = await connect;
        Assert.Equal(TcpState.Established, socket.State);
        Assert.True(socket.Input.TryRead(out System.IO.Pipelines.ReadResult result));
        Assert.Equal(5, result.Buffer.Length);
    }

    [Fact]
    public void Killed_peer_server_that_only_reads_learns_within_its_keep_alive()
    {
        using var pair = new TcpPair();
        TcpSocketOptions server = TcpPair.Options with { KeepAliveTime = TimeSpan.FromSeconds(60) };
        (TcpSocket client, TcpSocket accepted) = pair.Connect(server: server);
        Task<long> reading = TcpTraffic.ReceiveAsync(accepted.Input, 1);
        _ = TcpTraffic.SendAsync(client.Output, 10_000_000, 1);
        pair.Clock.Advance(TimeSpan.FromMilliseconds(100));

        // The process dies: no FIN, no RST, no answer.
        pair.Link.Conditions.Cut = true;
        pair.Clock.Advance(TimeSpan.FromSeconds(119));
        Assert.False(accepted.ReceiveEnded.IsCompleted);
        pair.Clock.Advance(TimeSpan.FromSeconds(12));
        Assert.Equal(TcpError.TimedOut, TcpPeer.ResultOf(accepted.ReceiveEnded)!.Error);
        Assert.True(reading.IsFaulted);
        pair.B.AssertClean();
    }

    [Fact]
    public void Killed_peer_writer_that_waits_for_room_is_told_of_the_timeout()
    {
        using var pair = new TcpPair();
        (TcpSocket client, _) = pair.Connect();
        Task sending = TcpTraffic.SendAsync(client.Output, 10_000_000, 1);
        pair.Clock.Advance(TimeSpan.FromMilliseconds(100));
        pair.Link.Conditions.Cut = true;
        pair.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(TcpError.TimedOut, TcpPeer.ResultOf(client.SendEnded)!.Error);
        Assert.Equal(TcpError.TimedOut, Assert.IsType<TcpException>(sending.Exception?.InnerException).Error);
        pair.A.AssertClean();
    }

    [Fact]
    public void Observer_of_a_slow_reader_hears_of_the_fin_behind_the_data_before_it()
    {
        using var pair = new TcpPair();
        var recorder = new Recorder();
        (TcpSocket client,
            TcpSocket server) = pair.Connect(server: TcpPair.Options with { Input = TcpPair.InlinePipe(1000), Observer = recorder });
        pair.Clock.Run(() => TcpTraffic.SendAsync(client.Output, 5000, 1), TcpPair.Minutes);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["paused"], recorder.Events);
        Assert.False(server.ReceiveEnded.IsCompleted);

        Assert.Equal(5000, pair.Clock.Run(() => TcpTraffic.ReceiveAsync(server.Input, 1), TcpPair.Minutes));
        Assert.Equal("fin received", recorder.Events[^1]);
        Assert.All(recorder.Events[..^1], what => Assert.Contains(what, new[] { "paused", "resumed" }));
        Assert.Equal(recorder.Events.Count(what => what == "paused"), recorder.Events.Count(what => what == "resumed"));
        Assert.Null(pair.Clock.Run(() => server.ReceiveEnded, TcpPair.Minutes));
        client.Dispose();
        server.Dispose();
    }

    [Fact]
    public void Observer_of_a_slow_reader_that_aborts_hears_that_it_waits_no_more()
    {
        using var pair = new TcpPair();
        var recorder = new Recorder();
        (TcpSocket client,
            TcpSocket server) = pair.Connect(server: TcpPair.Options with { Input = TcpPair.InlinePipe(1000), Observer = recorder });
        pair.Clock.Run(() => TcpTraffic.SendAsync(client.Output, 5000, 1, complete: false), TcpPair.Minutes);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["paused"], recorder.Events);
        server.Abort();
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["paused", "reset sent", "resumed"], recorder.Events);
        client.Dispose();
        server.Dispose();
    }

    [Fact]
    public void Rfc6528_3_InitialSequenceNumbers_RiseWithTheClockAndDifferByConnectionAndSecret()
    {
        var generator = new IsnGenerator(new SeededRandom(1));
        ConnectionKey key = Key(1, 80);
        uint first = generator.Next(key, 0);

        // One number each four microseconds: 250,000 in a second.
        Assert.Equal(first + 250_000, generator.Next(key, TimeSpan.TicksPerSecond));
        Assert.Equal(first, generator.Next(key, 0));
        uint[] others = [.. Enumerable.Range(2, 1000).Select(i => generator.Next(Key(i, 80), 0))];
        Assert.Equal(others.Length, others.Distinct().Count());

        // Neighbours say nothing about each other.
        Assert.True(others.Zip(others.Skip(1)).Select(p => p.Second - p.First).Distinct().Count() > 990);
        Assert.NotEqual(first, new IsnGenerator(new SeededRandom(2)).Next(key, 0));
    }

    [Fact]
    public void Rfc7323_5_4_TimestampOffset_IsTheSameForAPairAndDiffersForOthers()
    {
        var generator = new IsnGenerator(new SeededRandom(1));
        Assert.Equal(generator.TimestampOffset(Key(1, 80)), generator.TimestampOffset(Key(1, 80)));
        Assert.NotEqual(generator.TimestampOffset(Key(1, 80)), generator.TimestampOffset(Key(2, 80)));
    }

    [Fact]
    public void Rfc6056_3_3_4_Ports_AreDynamicNotRepeatedSoonAndDifferByDestination()
    {
        var allocator = new PortAllocator(new SeededRandom(1));
        int[] ports = [.. Enumerable.Range(0, 32_768).Select(_ => Next(allocator, 1))];
        Assert.All(ports, port => Assert.InRange(port, 32_768, 65_535));
        Assert.Equal(ports.Length, ports.Distinct().Count());

        // Where a destination begins tells nothing about where another does.
        int[] starts = [.. Enumerable.Range(2, 100).Select(i => Next(new PortAllocator(new SeededRandom(1)), i))];
        Assert.True(starts.Distinct().Count() > 90);
        Assert.NotEqual(ports[0], Next(new PortAllocator(new SeededRandom(2)), 1));

        static int Next(PortAllocator allocator, int remote) =>
            allocator.ForConnection(IpAddress.FromIPv4(1), IpAddress.FromIPv4((uint)remote), 80, static _ => true);
    }

    [Fact]
    public void Rfc6056_3_3_4_TakenPorts_ArePassedOver_AndExhaustionIsTold()
    {
        var allocator = new PortAllocator(new SeededRandom(1));
        Assert.Equal(50_000, allocator.ForConnection(IpAddress.FromIPv4(1), IpAddress.FromIPv4(2), 80, static port => port == 50_000));
        Assert.Equal(0, allocator.ForConnection(IpAddress.FromIPv4(1), IpAddress.FromIPv4(2), 80, static _ => false));
        Assert.Equal(50_001, allocator.ForListener(static port => port == 50_001));
        Assert.Equal(0, allocator.ForListener(static _ => false));
    }

    private static ConnectionKey Key(int remote, int port) =>
        new(IpAddress.FromIPv4(1), IpAddress.FromIPv4((uint)remote), (ushort)port, 40_000);

    private sealed class Recorder : ITcpSocketObserver
    {
        public List<string> Events { get; } = [];

        public void OnPaused(TcpSocket socket) => Events.Add("paused");

        public void OnResumed(TcpSocket socket) => Events.Add("resumed");

        public void OnFinReceived(TcpSocket socket) => Events.Add("fin received");

        public void OnResetReceived(TcpSocket socket) => Events.Add("reset received");

        public void OnFinSent(TcpSocket socket) => Events.Add("fin sent");

        public void OnResetSent(TcpSocket socket, TcpException reason) => Events.Add("reset sent");
    }
}
