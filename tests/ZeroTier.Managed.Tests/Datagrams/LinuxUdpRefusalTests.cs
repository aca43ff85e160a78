using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using ZeroTier.Managed.Datagrams;
using ZeroTier.Managed.Datagrams.Platform;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>What happens when Linux refuses what the fast path asks for.</summary>
public sealed class LinuxUdpRefusalTests
{
    private const int Segment = 103;
    private const int Coalesce = 104;
    private readonly FakeLogger _logger = new();
    private readonly RefusingCalls _calls = new();

    public LinuxUdpRefusalTests() => Assert.SkipUnless(LinuxUdpCalls.IsSupported, "the fast path is for 64-bit Linux");

    [Theory]
    [InlineData(Segment)]
    [InlineData(Coalesce)]
    public async Task An_option_refused_when_opening_is_logged_once_and_data_still_flows(int option)
    {
        _calls.RefusedOption = (option, 92);
        await using var a = Open();
        await using var b = Open(new RefusingCalls());
        Assert.Equal(option != Segment, a.UsesSegmentationOffload);
        Assert.Equal(option != Coalesce, a.UsesReceiveCoalescing);
        var (toA, toB) = (new CollectingReceiver(), new CollectingReceiver());
        a.Start(toA);
        b.Start(toB);

        a.Send(0, b.LocalEndPoints[0], UdpData.Run(8, 1000, 10), 1000);
        b.Send(0, a.LocalEndPoints[0], UdpData.Run(8, 1000, 10), 1000);

        UdpData.AssertRun(await toB.WaitForAsync(9), 8, 1000, 10);
        UdpData.AssertRun(await toA.WaitForAsync(9), 8, 1000, 10);
        Assert.Single(_logger.Collector.GetSnapshot(), l => l.Level == LogLevel.Information);
        Assert.Equal(option == Segment ? 0 : 1, _calls.SegmentCalls);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(22)]
    [InlineData(90)]
    public async Task Segmentation_refused_later_is_switched_off_and_the_run_sent_plainly(int errno)
    {
        await using var a = Open();
        await using var b = Open(new RefusingCalls());
        var arrived = new CollectingReceiver();
        b.Start(arrived);
        a.Send(0, b.LocalEndPoints[0], UdpData.Run(8, 1000, 10), 1000);
        UdpData.AssertRun(await arrived.WaitForAsync(9), 8, 1000, 10);
        Assert.True(a.UsesSegmentationOffload);

        _calls.SegmentErrno = errno;
        a.Send(0, b.LocalEndPoints[0], UdpData.Run(4, 1000, 20), 1000);
        a.Send(0, b.LocalEndPoints[0], UdpData.Run(2, 1000, 30), 1000);

        var all = await arrived.WaitForAsync(8);
        UdpData.AssertRun(all[9..14], 4, 1000, 20);
        UdpData.AssertRun(all[14..], 2, 1000, 30);
        Assert.False(a.UsesSegmentationOffload);
        Assert.Equal(2, _calls.SegmentCalls);
        Assert.Equal(17, a.Statistics.DatagramsSent);
        Assert.Equal(0, a.Statistics.SendTooBig);
        var line = Assert.Single(_logger.Collector.GetSnapshot(), l => l.Level == LogLevel.Information);
        Assert.Contains($"errno {errno}", line.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(101)]
    [InlineData(105)]
    [InlineData(1)]
    [InlineData(90)]
    public async Task A_failed_send_is_counted_by_class_and_segmentation_stays_on(int errno)
    {
        await using var a = Open();
        _calls.SegmentErrno = errno == 90 ? 0 : errno;
        _calls.PlainErrno = errno;

        a.Send(0, a.LocalEndPoints[0], new byte[10], 10);
        if (errno != 90)
        {
            a.Send(0, a.LocalEndPoints[0], new byte[30], 10);
        }

        var statistics = a.Statistics;
        Assert.Equal(errno == 101 ? 4 : 0, statistics.SendUnreachable);
        Assert.Equal(errno == 105 ? 4 : 0, statistics.SendNoBuffers);
        Assert.Equal(errno == 1 ? 4 : 0, statistics.SendNotPermitted);
        Assert.Equal(errno == 90 ? 1 : 0, statistics.SendTooBig);
        Assert.Equal(0, statistics.DatagramsSent);
        Assert.True(a.UsesSegmentationOffload);
    }

    [Fact]
    public async Task Datagrams_too_large_for_the_first_link_are_told_and_segmentation_stays_on()
    {
        await using var a = Open();
        var refused = new List<(InetEndPoint, int)>();
        a.Start(new CollectingReceiver { OnEachRefused = (to, size) => refused.Add((to, size)) });
        _calls.SegmentErrno = 22;
        _calls.PlainErrno = 90;

        var to = InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, 9));
        a.Send(0, to, new byte[2100], 1000);
        Assert.Equal([(to, 1000), (to, 1000), (to, 100)], refused);
        Assert.Equal(3, a.Statistics.SendTooBig);
        Assert.True(a.UsesSegmentationOffload);
    }

    /// <summary>Linux, ip(7): PMTUDISC_PROBE sets DF on all that leaves, and heeds no report from the network.</summary>
    [Theory]
    [InlineData("127.0.0.1", 0, 10)]
    [InlineData("::1", 41, 23)]
    public void Datagrams_are_never_cut_on_the_way(string address, int level, int option)
    {
        using var socket = new System.Net.Sockets.Socket(
            IPAddress.Parse(address).AddressFamily, System.Net.Sockets.SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp);
        DoNotFragment.TrySet(socket);
        byte[] value = new byte[4];
        socket.GetRawSocketOption(level, option, value);
        Assert.Equal(3, BitConverter.ToInt32(value));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(111)]
    public async Task An_interrupted_or_refused_send_is_tried_once_more(int errno)
    {
        _calls.PlainErrno = errno;
        await using var a = Open();
        a.Send(0, a.LocalEndPoints[0], new byte[10], 10);
        Assert.Equal(2, _calls.PlainCalls);
    }

    [Fact]
    public async Task A_hop_limit_goes_with_that_datagram_only()
    {
        await using var a = Open();
        a.SendWithHopLimit(0, a.LocalEndPoints[0], "hop"u8, 2);
        Assert.Equal((0, 2, 2), _calls.LastControl);
        a.Send(0, a.LocalEndPoints[0], "hop"u8, 3);
        Assert.Equal((1, 1), (_calls.SegmentCalls, _calls.PlainCalls));
        Assert.Equal(2, a.Statistics.DatagramsSent);
    }

    [Fact]
    public async Task A_receive_that_keeps_failing_pauses_instead_of_spinning_and_recovers()
    {
        _calls.ReceiveErrno = 12;
        await using var a = Open();
        await using var b = Open(new RefusingCalls());
        var arrived = new CollectingReceiver();
        a.Start(arrived);
        while (!_logger.Collector.GetSnapshot().Any(l => l.Level == LogLevel.Warning))
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        int calls = _calls.ReceiveCalls;
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.InRange(_calls.ReceiveCalls - calls, 0, 20);

        _calls.ReceiveErrno = 0;
        b.Send(0, a.LocalEndPoints[0], new byte[3], 3);
        Assert.Single(await arrived.WaitForAsync(1));
        Assert.InRange(a.Statistics.ReceiveFailures, 16, 100);
    }

    [Theory]
    [InlineData(38)]
    [InlineData(1)]
    [InlineData(13)]
    public async Task Without_recvmmsg_data_flows_through_recvmsg(int errno)
    {
        _calls.ReceiveErrno = errno;
        await using var a = Open();
        var arrived = new CollectingReceiver();
        a.Start(arrived);

        a.Send(0, a.LocalEndPoints[0], UdpData.Run(8, 1000, 10), 1000);

        UdpData.AssertRun(await arrived.WaitForAsync(9), 8, 1000, 10);
        Assert.True(a.UsesSegmentationOffload && a.UsesReceiveCoalescing);
        await UdpData.Until(() => a.Statistics is { DatagramsReceived: 9, ReceiveFailures: 0 });
        Assert.Contains(
            $"errno {errno}",
            Assert.Single(_logger.Collector.GetSnapshot(), l => l.Level >= LogLevel.Information).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(38, true)]
    [InlineData(1, false)]
    public void Without_any_call_to_send_or_to_receive_the_start_fails_and_says_what_to_allow(int errno, bool send)
    {
        if (send)
        {
            _calls.SendErrno = errno;
        }
        else
        {
            _calls.ReceiveErrno = _calls.ReceiveOneErrno = errno;
        }

        var error = Assert.Throws<ZeroTierException>(() => Open());
        Assert.Equal(ZeroTierError.Underlay, error.Error);
        Assert.Contains(send ? "sendmsg (errno 38)" : "recvmsg (errno 1)", error.Message, StringComparison.Ordinal);
        Assert.Contains("must allow sendmsg and recvmsg", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_shutdown_a_waiting_receive_ends_nevertheless()
    {
        _calls.ShutdownErrno = 38;
        var a = Open();
        a.Start(new CollectingReceiver());
        await a.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    private UdpDatagramTransport Open(RefusingCalls? calls = null) => UdpDatagramTransport.Open(
        new UdpDatagramTransportOptions { BindAddresses = [IPAddress.Loopback], Logger = calls is null ? _logger : new FakeLogger() },
        calls ?? _calls);
}
