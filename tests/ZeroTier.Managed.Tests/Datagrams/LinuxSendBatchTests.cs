using System.Net;
using Microsoft.Extensions.Logging.Testing;
using ZeroTier.Managed.Datagrams.Platform;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>
/// What a receiver sends while it handles received datagrams leaves together. A run of datagrams sets it off, since it arrives as one
/// batch.
/// </summary>
public sealed class LinuxSendBatchTests
{
    private const int Count = 8;
    private readonly RefusingCalls _calls = new();
    private readonly FakeLogger _logger = new();

    public LinuxSendBatchTests() => Assert.SkipUnless(LinuxUdpCalls.IsSupported, "the fast path is for 64-bit Linux");

    [Fact]
    public async Task Answers_to_several_nodes_leave_with_one_call_and_arrive_in_order()
    {
        await using var pair = new Pair(this);
        int sent = 0;
        await pair.SetOffAsync(() =>
        {
            pair.Send(to: sent % 2, (byte)sent, 100 + sent);
            sent++;
        });

        Assert.Equal([0, 2, 4, 6], (await pair.Receivers[0].WaitForAsync(Count / 2)).Select(datagram => datagram[0]));
        Assert.Equal([101, 103, 105, 107], (await pair.Receivers[1].WaitForAsync(Count / 2)).Select(datagram => datagram.Length));
        await UdpData.Until(() => pair.Node.Statistics is { DatagramsSent: Count, SendCalls: 1, BytesSent: 828 });
        Assert.Equal([Count], _calls.SentAtOnce);
        Assert.Equal((0, 0), (_calls.PlainCalls, _calls.SegmentCalls));
    }

    [Fact]
    public async Task Datagrams_of_one_size_to_one_node_leave_as_a_run_which_a_shorter_one_ends()
    {
        await using var pair = new Pair(this);
        int[] sizes = [500, 500, 500, 200, 200, 500, 600, 600];
        int sent = 0;
        await pair.SetOffAsync(() => pair.Send(to: 0, (byte)sent, sizes[sent++]));

        var arrived = await pair.Receivers[0].WaitForAsync(Count);
        Assert.Equal(sizes, arrived.Select(datagram => datagram.Length));
        Assert.Equal(Enumerable.Range(0, Count), arrived.Select(datagram => (int)datagram[0]));

        // 500 500 500 200 | 200 | 500 | 600 600.
        await UdpData.Until(() => pair.Node.Statistics is { DatagramsSent: Count, SendCalls: 1 });
        Assert.Equal([4], _calls.SentAtOnce);
    }

    [Fact]
    public async Task Without_segmentation_every_datagram_is_a_message()
    {
        _calls.RefusedOption = (103, 92);
        await using var pair = new Pair(this);
        await pair.SetOffAsync(() => pair.Send(to: 0, 1, 500));

        Assert.Equal(Count, (await pair.Receivers[0].WaitForAsync(Count)).Count);
        await UdpData.Until(() => pair.Node.Statistics is { DatagramsSent: Count });
        Assert.Equal([Count], _calls.SentAtOnce);
    }

    [Fact]
    public async Task More_than_a_batch_holds_arrives()
    {
        await using var pair = new Pair(this);
        int sent = 0;
        await pair.SetOffAsync(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                pair.Send(to: sent % 2, (byte)sent, 1000 + (sent++ % 1000));
            }
        });

        var first = await pair.Receivers[0].WaitForAsync(Count * 25);
        var second = await pair.Receivers[1].WaitForAsync(Count * 25);
        Assert.Equal(Enumerable.Range(0, Count * 25).Select(i => 1000 + (2 * i % 1000)), first.Select(datagram => datagram.Length));
        Assert.Equal(Enumerable.Range(0, Count * 25).Select(i => (byte)(2 * i + 1)), second.Select(datagram => datagram[0]));
        await UdpData.Until(() => pair.Node.Statistics is { DatagramsSent: Count * 50 });
        Assert.InRange(_calls.SentAtOnce.Max(), 2, 64);
    }

    [Fact]
    public async Task What_is_too_long_to_keep_leaves_behind_what_was_sent_before()
    {
        await using var pair = new Pair(this);
        int sent = 0;
        await pair.SetOffAsync(() => pair.Send(to: 0, (byte)sent, sent++ % 4 == 3 ? 5000 : 50 + sent));

        Assert.Equal(Enumerable.Range(0, Count), (await pair.Receivers[0].WaitForAsync(Count)).Select(datagram => (int)datagram[0]));
        await UdpData.Until(() => pair.Node.Statistics is { DatagramsSent: Count });
        Assert.Equal([3, 3], _calls.SentAtOnce);
        Assert.Equal(2, _calls.PlainCalls);
    }

    [Fact]
    public async Task When_a_message_fails_the_others_are_sent()
    {
        // The call sends three messages, then fails at the fourth, which then leaves alone.
        _calls.MostAtOnce = 3;
        await using var pair = new Pair(this);
        int sent = 0;
        await pair.SetOffAsync(() => pair.Send(to: sent % 2, (byte)sent, 100 + sent++));

        await pair.Receivers[0].WaitForAsync(Count / 2);
        await pair.Receivers[1].WaitForAsync(Count / 2);
        await UdpData.Until(() => pair.Node.Statistics is { DatagramsSent: Count, SendCalls: 3 });
        Assert.Equal([3, 3, 2], _calls.SentAtOnce);
    }

    [Fact]
    public async Task Datagrams_too_large_for_the_first_link_are_told_and_what_the_receiver_then_sends_leaves()
    {
        await using var pair = new Pair(this);
        _calls.ManyErrno = _calls.PlainErrno = 90;
        var refused = new List<int>();
        pair.Collector.OnEachRefused = (_, size) =>
        {
            refused.Add(size);
            _calls.PlainErrno = 0;
            pair.Send(to: 1, 99, refused.Count);
            _calls.PlainErrno = 90;
        };
        int sent = 0;
        await pair.SetOffAsync(() => pair.Send(to: 0, 1, 100 + (100 * sent++)));

        Assert.All(await pair.Receivers[1].WaitForAsync(Count), datagram => Assert.Equal(99, datagram[0]));
        Assert.Equal([100, 200, 300, 400, 500, 600, 700, 800], refused);
        await UdpData.Until(() => pair.Node.Statistics is { DatagramsSent: Count, SendTooBig: Count });
    }

    [Theory]
    [InlineData(38)]
    [InlineData(1)]
    public async Task Without_sendmmsg_each_datagram_leaves_at_once(int errno)
    {
        _calls.ManyErrno = errno;
        await using var pair = new Pair(this);
        await pair.SetOffAsync(() => pair.Send(to: 0, 1, 100));

        await pair.Receivers[0].WaitForAsync(Count);
        Assert.Equal(Count, _calls.PlainCalls);
        Assert.Contains(_logger.Collector.GetSnapshot(), line => line.Message.Contains("sendmmsg on 127.0.0.1", StringComparison.Ordinal));
    }

    /// <summary>A node that answers, and two that receive its answers.</summary>
    private sealed class Pair(LinuxSendBatchTests test) : IAsyncDisposable
    {
        private readonly UdpDatagramTransport[] _others = [Open(new RefusingCalls()), Open(new RefusingCalls())];

        public UdpDatagramTransport Node { get; } = Open(test._calls, test._logger);

        public CollectingReceiver Collector { get; } = new();

        public CollectingReceiver[] Receivers { get; } = [new(), new()];

        public void Send(int to, byte first, int length)
        {
            byte[] datagram = new byte[length];
            datagram[0] = first;
            Node.Send(0, _others[to].LocalEndPoints[0], datagram, length);
        }

        /// <summary>Lets the node receive a batch of datagrams, for each of which it does this.</summary>
        public async Task SetOffAsync(Action onEach)
        {
            Collector.OnEach = onEach;
            Node.Start(Collector);
            for (int i = 0; i < Receivers.Length; i++)
            {
                _others[i].Start(Receivers[i]);
            }

            _others[0].Send(0, Node.LocalEndPoints[0], new byte[Count * 10], 10);
            await Collector.WaitForAsync(Count);
        }

        public async ValueTask DisposeAsync()
        {
            await Node.DisposeAsync();
            foreach (var other in _others)
            {
                await other.DisposeAsync();
            }
        }

        private static UdpDatagramTransport Open(RefusingCalls calls, FakeLogger? log = null) => UdpDatagramTransport.Open(
            new UdpDatagramTransportOptions { BindAddresses = [IPAddress.Loopback], Logger = log ?? new FakeLogger() }, calls);
    }
}
