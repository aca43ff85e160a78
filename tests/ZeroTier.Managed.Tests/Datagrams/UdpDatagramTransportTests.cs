using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using ZeroTier.Managed.Datagrams;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>Real sockets on loopback. What only Linux offers is asserted on Linux alone; the rest holds everywhere.</summary>
public sealed class UdpDatagramTransportTests
{
    public enum Path
    {
        Offload,
        NoSegmentation,
        NoCoalescing,
        Neither,
        Portable,
    }

    [Theory]
    [CombinatorialPaths]
    public async Task A_run_of_datagrams_with_a_short_tail_is_cut_right(Path sender, Path receiver)
    {
        await using var a = Open(sender);
        await using var b = Open(receiver);
        var arrived = new CollectingReceiver();
        b.Start(arrived);

        a.Send(0, b.LocalEndPoints[0], UdpData.Run(8, 1432, 100), 1432);

        UdpData.AssertRun(await arrived.WaitForAsync(9), 8, 1432, 100);
        Assert.Equal(a.LocalEndPoints[0], arrived.LastSource);
        Assert.Equal((9, 8 * 1432 + 100), (a.Statistics.DatagramsSent, a.Statistics.BytesSent));
        await UdpData.Until(() => b.Statistics is { DatagramsReceived: 9, BytesReceived: 8 * 1432 + 100 } && arrived.Batches > 0);
        Assert.InRange(arrived.Batches, 1, 9);
        if (OperatingSystem.IsLinux() && a.UsesSegmentationOffload)
        {
            Assert.Equal(1, a.Statistics.SendCalls);
        }
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task Sixty_four_datagrams_go_in_one_call_and_odd_sizes_arrive(Path path)
    {
        await using var a = Open(path);
        await using var b = Open(path);
        var arrived = new CollectingReceiver();
        b.Start(arrived);

        a.Send(0, b.LocalEndPoints[0], UdpData.Run(63, 1000, 1000), 1000);
        UdpData.AssertRun(await arrived.WaitForAsync(64), 63, 1000, 1000);

        int[] sizes = [1, 28, 10_024, 65_507, 0, 1432];
        foreach (int size in sizes)
        {
            a.Send(0, b.LocalEndPoints[0], new byte[size], 1432 + size);
        }

        var all = await arrived.WaitForAsync(sizes.Length);
        Assert.Equal(sizes, all[64..].Select(d => d.Length));
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task Loopback_only_binds_both_families_on_one_port(Path path)
    {
        await using var a = UdpDatagramTransport.Open(Options(path) with { BindAddresses = [], LoopbackOnly = true });
        await using var b = UdpDatagramTransport.Open(Options(path) with { BindAddresses = [], LoopbackOnly = true });
        var arrived = new CollectingReceiver();
        b.Start(arrived);
        Assert.All(a.LocalEndPoints, e => Assert.True(IPAddress.IsLoopback(e.ToIPEndPoint().Address)));
        Assert.Single(a.LocalEndPoints.Select(e => e.Port).Distinct());
        Assert.Equal(UdpData.HasIpv6 ? 2 : 1, a.LocalEndPoints.Count);

        for (int socket = 0; socket < a.LocalEndPoints.Count; socket++)
        {
            a.Send(socket, b.LocalEndPoints[socket], UdpData.Run(3, 1400, 7), 1400);
            UdpData.AssertRun((await arrived.WaitForAsync(4))[^4..], 3, 1400, 7);
            Assert.Equal(a.LocalEndPoints[socket], arrived.LastSource);
        }

        Assert.Equal(UdpData.HasIpv6 ? 0b11 : 0b1, arrived.Sockets);
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task Without_addresses_every_reachable_address_of_the_machine_is_bound(Path path)
    {
        await using var transport = UdpDatagramTransport.Open(Options(path) with { BindAddresses = [] });
        Assert.NotEmpty(transport.LocalEndPoints);
        Assert.All(transport.LocalEndPoints, e => Assert.False(IPAddress.IsLoopback(e.ToIPEndPoint().Address)));
        Assert.Equal(transport.LocalEndPoints.Count, transport.LocalEndPoints.Distinct().Count());
    }

    [Theory]
    [InlineData("10.1.2.3", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("203.0.113.9", true)]
    [InlineData("fd00::1", true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("169.254.3.4", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("ff02::1", false)]
    public void Scopes_that_others_can_reach_are_used(string address, bool expected) =>
        Assert.Equal(expected, LocalAddresses.IsReachable(IPAddress.Parse(address)));

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task A_taken_port_is_refused_with_port_setting_and_remedy(Path path)
    {
        await using var first = Open(path);
        int port = first.LocalEndPoints[0].Port;

        var error = Assert.Throws<ZeroTierException>(() => UdpDatagramTransport.Open(Options(path) with { Port = port }));

        Assert.Equal(ZeroTierError.Underlay, error.Error);
        Assert.Contains($"UDP port {port} on 127.0.0.1 is taken", error.Message, StringComparison.Ordinal);
        Assert.Contains("Set Port", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_foreign_address_is_refused_by_name_and_nothing_stays_bound()
    {
        var options = Options(Path.Offload) with
        {
            BindAddresses = [IPAddress.Loopback, IPAddress.Parse("198.51.100.77")],
            Port = FreePort.Udp(),
        };

        var error = Assert.Throws<ZeroTierException>(() => UdpDatagramTransport.Open(options));

        Assert.Contains("198.51.100.77", error.Message, StringComparison.Ordinal);
        Assert.Contains("BindAddresses", error.Message, StringComparison.Ordinal);
        using var again = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        again.Bind(new IPEndPoint(IPAddress.Loopback, options.Port));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(65536)]
    public void A_port_out_of_range_is_refused(int port) =>
        Assert.Contains(
            $"{port}",
            Assert.Throws<ArgumentException>(() => UdpDatagramTransport.Open(Options(Path.Offload) with { Port = port })).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData(0)]
    [InlineData(65535)]
    public void A_buffer_size_out_of_range_is_refused_by_name(int bytes)
    {
        var error = Assert.Throws<ArgumentException>(
            () => UdpDatagramTransport.Open(Options(Path.Offload) with { ReceiveBufferBytes = bytes }));
        Assert.Contains($"ReceiveBufferBytes is {bytes}", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => UdpDatagramTransport.Open(Options(Path.Offload) with { SendBufferBytes = bytes }));
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task A_destination_of_the_other_family_or_without_port_is_counted_not_thrown(Path path)
    {
        await using var a = Open(path);
        a.Send(0, InetEndPoint.From(new IPEndPoint(IPAddress.IPv6Loopback, 1)), new byte[10], 10);
        a.Send(0, InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, 0)), new byte[10], 5);
        a.SendWithHopLimit(0, default, new byte[10], 3);
        Assert.Equal(4, a.Statistics.SendOtherFailures);
        Assert.Equal(0, a.Statistics.DatagramsSent);
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task Unreachable_destinations_and_closed_ports_neither_throw_nor_end_receiving(Path path)
    {
        await using var a = Open(path);
        await using var b = Open(path);
        var arrived = new CollectingReceiver();
        a.Start(arrived);
        var closed = InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, FreePort.Udp()));
        for (int i = 0; i < 20; i++)
        {
            a.Send(0, closed, new byte[100], 100);
            a.Send(0, closed, new byte[300], 100);
        }

        b.Send(0, a.LocalEndPoints[0], new byte[5], 5);
        Assert.Single(await arrived.WaitForAsync(1));
        Assert.Equal(0, a.Statistics.ReceiveFailures);
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task A_hop_limit_reaches_the_neighbour(Path path)
    {
        await using var a = UdpDatagramTransport.Open(Options(path) with { BindAddresses = [], LoopbackOnly = true });
        await using var b = UdpDatagramTransport.Open(Options(path) with { BindAddresses = [], LoopbackOnly = true });
        var arrived = new CollectingReceiver();
        b.Start(arrived);
        for (int socket = 0; socket < a.LocalEndPoints.Count; socket++)
        {
            a.SendWithHopLimit(socket, b.LocalEndPoints[socket], "hop"u8, 2);
            Assert.Equal("hop"u8.ToArray(), (await arrived.WaitForAsync(1))[^1]);
        }
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task Closing_while_datagrams_pour_in_ends_promptly_and_delivers_nothing_afterwards(Path path)
    {
        await using var a = Open(path);
        var b = Open(path);
        var arrived = new CollectingReceiver();
        b.Start(arrived);
        var target = b.LocalEndPoints[0];
        using var stop = new CancellationTokenSource();
        var sender = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    a.Send(0, target, new byte[14_000], 1400);
                }
            },
            CancellationToken.None);
        await arrived.WaitForAsync(200);

        await b.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        int count = arrived.Snapshot().Count;
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.Equal(count, arrived.Snapshot().Count);
        await stop.CancelAsync();
        await sender.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        b.Send(0, target, new byte[10], 5);
        Assert.Equal(2, b.Statistics.SendOtherFailures);
        await b.DisposeAsync();
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task Closing_an_idle_transport_and_one_never_started_ends_promptly(Path path)
    {
        var never = Open(path);
        await never.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        var idle = Open(path);
        idle.Start(new CollectingReceiver());
        Assert.Throws<InvalidOperationException>(() => idle.Start(new CollectingReceiver()));
        await idle.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task Closing_from_within_a_delivery_works(Path path)
    {
        await using var a = Open(path);
        var b = Open(path);
        var closed = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        b.Start(new CollectingReceiver { OnEach = () => closed.TrySetResult(b.DisposeAsync().AsTask()) });
        a.Send(0, b.LocalEndPoints[0], new byte[1], 1);
        await (await closed.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken))
            .WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task A_receiver_that_throws_is_logged_once_and_receiving_goes_on(Path path)
    {
        var logger = new FakeLogger();
        await using var a = Open(path);
        await using var b = UdpDatagramTransport.Open(Options(path) with { Logger = logger });
        var arrived = new CollectingReceiver { OnEach = () => throw new InvalidOperationException("receiver") };
        b.Start(arrived);
        a.Send(0, b.LocalEndPoints[0], new byte[3], 1);
        await arrived.WaitForAsync(3);
        a.Send(0, b.LocalEndPoints[0], new byte[3], 1);
        await arrived.WaitForAsync(3);
        Assert.Single(logger.Collector.GetSnapshot(), l => l.Level == LogLevel.Error);
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Portable)]
    public async Task Several_senders_at_once_do_not_mix_their_datagrams(Path path)
    {
        await using var a = Open(path);
        await using var b = Open(path);
        var arrived = new CollectingReceiver();
        b.Start(arrived);
        var target = b.LocalEndPoints[0];
        const int Senders = 4;
        const int Rounds = 20;
        var tasks = Enumerable.Range(0, Senders).Select(n => Task.Run(() =>
        {
            var data = new byte[4 * (100 + n)];
            data.AsSpan().Fill((byte)n);
            for (int i = 0; i < Rounds; i++)
            {
                a.Send(0, target, data, 100 + n);
            }
        }));
        await Task.WhenAll(tasks);

        var all = await arrived.WaitForAsync(Senders * Rounds * 4);
        Assert.All(all, d => Assert.True(d.Length == 100 + d[0] && d.All(x => x == d[0])));
        Assert.Equal(Senders * Rounds * 4, a.Statistics.DatagramsSent);
    }

    [Theory]
    [InlineData(Path.Offload)]
    [InlineData(Path.Neither)]
    [InlineData(Path.Portable)]
    public async Task Sending_and_receiving_allocate_nothing(Path path)
    {
        await using var a = Open(path);
        await using var b = Open(path);
        var counter = new AllocationCounter(400);
        b.Start(counter);
        var data = new byte[7000];
        var target = b.LocalEndPoints[0];
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                a.Send(0, target, data, 1000);
            }
        }));
        Assert.Equal(0, await counter.Result.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    private static UdpDatagramTransport Open(Path path) => UdpDatagramTransport.Open(Options(path));

    private static UdpDatagramTransportOptions Options(Path path) => new()
    {
        BindAddresses = [IPAddress.Loopback],
        SegmentationOffload = path is Path.Offload or Path.NoCoalescing,
        ReceiveCoalescing = path is Path.Offload or Path.NoSegmentation,
        PortableSockets = path == Path.Portable,
    };

    private sealed class CombinatorialPathsAttribute : Xunit.v3.DataAttribute
    {
        public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
            System.Reflection.MethodInfo testMethod, Xunit.Sdk.DisposalTracker disposalTracker) =>
            new([.. from s in Enum.GetValues<Path>() from r in Enum.GetValues<Path>() select new TheoryDataRow<Path, Path>(s, r)]);

        public override bool SupportsDiscoveryEnumeration() => true;
    }

    /// <summary>The least that the receive thread allocates for a window of datagrams, from its second batch on.</summary>
    private sealed class AllocationCounter(int count) : IDatagramReceiver
    {
        private const int Window = 100;

        private int _seen;
        private int _windowStart;
        private long _before = -1;
        private long _least = long.MaxValue;

        public TaskCompletionSource<long> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram) => _seen++;

        public void OnBatchEnd(int socket)
        {
            long now = GC.GetAllocatedBytesForCurrentThread();
            if (_before >= 0 && _seen - _windowStart < Window)
            {
                return;
            }

            if (_before >= 0)
            {
                _least = Math.Min(_least, now - _before);
                if (_seen >= count)
                {
                    Result.TrySetResult(_least);
                }
            }

            _windowStart = _seen;
            _before = GC.GetAllocatedBytesForCurrentThread();
        }
    }
}
