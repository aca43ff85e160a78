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
public partial class ConnectionTests
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
        var expected = theirs.Features.Select(f => f.Key)
            .Where(t => t != typeof(IConnectionSocketFeature))
            .Append(typeof(IZeroTierPeerFeature))
            .Order(Names).ToArray();
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
        Assert.Null(peer.IsDirect);
        Assert.Null(peer.Latency);
        engine.Peer = new ZeroTierPeer(new NodeId(2), ZeroTierPeerRole.Leaf) { IsDirect = true };
        Assert.True(peer.IsDirect);
        Assert.Null(peer.Latency);
        engine.Peer = engine.Peer with { IsDirect = false, IsRelayed = true, Latency = TimeSpan.FromMilliseconds(5) };
        Assert.False(peer.IsDirect);
        Assert.Equal(TimeSpan.FromMilliseconds(5), peer.Latency);
        engine.Peer = engine.Peer with { IsRelayed = false };
        Assert.Null(peer.IsDirect);
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
            listener.SetMeasurementEventCallback<long>(
                (instrument, _, tags, _) => measurements.Add($"{instrument.Name} {string.Join(',', tags.ToArray())}"));
            listener.SetMeasurementEventCallback<double>(
                (instrument, _, tags, _) => measurements.Add($"{instrument.Name} {string.Join(',', tags.ToArray())}"));
            listener.Start();
        }

        await using var host = await TestHost.StartAsync();
        host.App.MapGet(
            "/ends",
            (HttpContext c) =>
                $"{c.Connection.LocalIpAddress}:{c.Connection.LocalPort} {c.Connection.RemoteIpAddress} {c.GetZeroTierPeer()!.Node}");
        host.Http.DefaultRequestHeaders.ConnectionClose = true;
        Assert.Equal($"10.147.17.1:8080 10.147.17.2 {host.Client.KnownId}", await host.GetAsync(path: "/ends"));
        Assert.Equal(
            $"{host.Server.IPv6}:8080 {host.Client.IPv6} {host.Client.KnownId}",
            await host.Http.GetStringAsync($"http://[{host.Server.IPv6}]:8080/ends", Cancel));
        if (measured)
        {
            await TestHost.EventuallyAsync(
                () => measurements.Any(
                    m => m.StartsWith("kestrel.connection.duration", StringComparison.Ordinal)
                        && m.Contains("[zerotier.network.id, 8056c2e21c000001]", StringComparison.Ordinal)),
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
        Assert.Empty(logs.EventsOf(TransportLog.ServerCategory));

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
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
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
            zt.Transport.MaxReadBufferSize = 4096;
            zt.Transport.MaxWriteBufferSize = null;
            zt.Transport.Backlog = 7;
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
        var ours = new ZeroTierOptions().Transport;
        var sockets = new SocketTransportOptions();
        Assert.Equal(sockets.MaxReadBufferSize, ours.MaxReadBufferSize);
        Assert.Equal(sockets.MaxWriteBufferSize, ours.MaxWriteBufferSize);
        Assert.Equal(sockets.Backlog, ours.Backlog);
        Assert.Equal(sockets.IOQueueCount, ours.IOQueueCount);
        Assert.Equal(sockets.UnsafePreferInlineScheduling, ours.UnsafePreferInlineScheduling);
    }

    [Fact]
    public async Task A_connection_has_one_id_for_the_engines_events_and_for_kestrel()
    {
        var (ours, engine, other) = Pair();
        Assert.Equal(ours.ConnectionId, ConnectionIds.Of(engine));
        Assert.NotEqual(ours.ConnectionId, ConnectionIds.Of(other));
        await ours.DisposeAsync();
    }

    private static readonly Comparer<Type> Names = Comparer<Type>.Create(
        (left, right) => string.CompareOrdinal(left.FullName, right.FullName));

    private static (TransportConnection Ours, FakeConnection Engine, FakeConnection Peer) Pair(
        LogCollector? logs = null, bool start = true, TimeSpan? grace = null)
    {
        var here = new IPEndPoint(IPAddress.Parse("10.147.17.1"), 80);
        var there = new IPEndPoint(IPAddress.Parse("10.147.17.2"), 50001);
        var engine = new FakeConnection(FakeNetwork.DefaultId, here, there, new NodeId(2), ZeroTierConnectionOptions.Default);
        var peer = new FakeConnection(FakeNetwork.DefaultId, there, here, new NodeId(1), ZeroTierConnectionOptions.Default);
        engine.Connect(peer);
        var logger = logs?.CreateLogger(TransportLog.ServerCategory) ?? NullLogger.Instance;
        var ours = grace is { } closingGrace
            ? new TransportConnection(engine, new FakeNetwork().CreateNode(), ZeroTierConnectionOptions.Default.MemoryPool, logger)
            {
                ClosingGrace = closingGrace,
            }
            : new TransportConnection(engine, new FakeNetwork().CreateNode(), ZeroTierConnectionOptions.Default.MemoryPool, logger);
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
