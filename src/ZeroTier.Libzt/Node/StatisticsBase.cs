using ZeroTier.Libzt.Native;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Node;

/// <summary>libzt's counters at the start of a session: they go on over a stop, and the contract's begin anew.</summary>
internal sealed unsafe class StatisticsBase
{
    private readonly StatisticsCounters? _start;

    private StatisticsBase(StatisticsCounters? start) => _start = start;

    public static StatisticsBase Take() => new(Read());

    /// <summary>What was counted since.</summary>
    public ZeroTierStatistics Since(SocketCounters sockets)
    {
        var dropped = new Dictionary<string, long>
        {
            ["libzt.sockets.full"] = sockets.ConnectionsShed,
            ["libzt.datagrams"] = sockets.DatagramsDropped,
        };
        var result = new ZeroTierStatistics
        {
            BytesReceived = sockets.BytesReceived,
            BytesSent = sockets.BytesSent,
            TcpConnections = sockets.OpenConnections,
            Dropped = dropped,
        };
        if (_start is not { } start || Read() is not { } now)
        {
            return result;
        }

        AddDropped(dropped, "libzt.link", start.Link, now.Link);
        AddDropped(dropped, "libzt.arp", start.EtherArp, now.EtherArp);
        AddDropped(dropped, "libzt.ip4", start.IPv4, now.IPv4);
        AddDropped(dropped, "libzt.ip6", start.IPv6, now.IPv6);
        AddDropped(dropped, "libzt.icmp4", start.Icmp4, now.Icmp4);
        AddDropped(dropped, "libzt.icmp6", start.Icmp6, now.Icmp6);
        AddDropped(dropped, "libzt.udp", start.Udp, now.Udp);
        AddDropped(dropped, "libzt.tcp", start.Tcp, now.Tcp);
        AddDropped(dropped, "libzt.nd6", start.NeighborDiscovery, now.NeighborDiscovery);
        return result with { TcpSegmentsReceived = now.Tcp.Received - start.Tcp.Received, TcpSegmentsSent = now.Tcp.Sent - start.Tcp.Sent };
    }

    // Differences of 32-bit counters are right over one wrap.
    private static void AddDropped(Dictionary<string, long> dropped, string name, in ProtocolCounters start, in ProtocolCounters now) =>
        dropped[name] = now.Dropped - start.Dropped;

    private static StatisticsCounters? Read()
    {
        StatisticsCounters counters;
        return Zts.StatsGetAll(&counters) == Zts.Ok ? counters : null;
    }
}
