using ZeroTier.Libzt.Native;
using ZeroTier.Libzt.Node;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Tests.Node;

public sealed class StackStatisticsTests
{
    [Fact]
    public void Counters_that_wrap_never_go_backwards()
    {
        var now = new StatisticsCounters();
        now.Tcp.Received = uint.MaxValue - 1;
        now.NeighborDiscovery.Dropped = 7;
        var statistics = new StackStatistics(() => now);

        now.Tcp.Received = 3;
        now.Tcp.Sent = 4;
        now.Link.Errors = 5;
        now.NeighborDiscovery.Dropped = 8;
        var first = statistics.Since(new SocketCounters());
        now.Tcp.Received = 2;
        var second = statistics.Since(new SocketCounters());

        Assert.Equal((5, 4), (first.TcpSegmentsReceived, first.TcpSegmentsSent));
        Assert.Equal((5L, 1L), (first.Dropped["libzt.link.errors"], first.Dropped["libzt.nd6"]));
        Assert.Equal(5L + uint.MaxValue, second.TcpSegmentsReceived);
    }

    [Fact]
    public void A_library_without_statistics_tells_only_what_the_sockets_counted() =>
        Assert.Equal(
            ["libzt.datagrams", "libzt.sockets.full"],
            new StackStatistics(() => null).Since(new SocketCounters()).Dropped.Keys.Order(StringComparer.Ordinal));
}
