using System.Diagnostics.Metrics;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// The meter <c>Kestrel.Transport.ZeroTier</c>: measurements that Kestrel's own meter does not have (rule 9.2). Names and units follow OpenTelemetry;
/// everything is read from the node when a collector asks, and counters continue over restarts of the node.
/// </summary>
internal sealed class NodeMetrics(IMeterFactory meterFactory)
{
    /// <summary>The same in web apps and others.</summary>
    public const string MeterName = "Kestrel.Transport.ZeroTier";

    private const string Direction = "network.io.direction";
    private static readonly KeyValuePair<string, object?> Receive = new(Direction, "receive");
    private static readonly KeyValuePair<string, object?> Transmit = new(Direction, "transmit");

    private readonly RunningTotals _totals = new();
    private int _created;

    /// <summary>Makes the instruments, once.</summary>
    public void Observe(ZeroTierNode node)
    {
        if (Interlocked.Exchange(ref _created, 1) != 0)
        {
            return;
        }

        var meter = meterFactory.Create(MeterName);
        meter.CreateObservableGauge("zerotier.node.online", () => node.IsOnline ? 1 : 0, "1", "1 while a root answers, else 0.");
        meter.CreateObservableUpDownCounter("zerotier.peers", () => Peers(node), "{peer}", "Peers that are heard, by the kind of their path.");
        meter.CreateObservableCounter("zerotier.network.io", () => Bytes(node), "By", "UDP payload bytes; on libzt, which does not tell, the bytes of the node's own sockets.");
        meter.CreateObservableCounter("zerotier.network.datagrams", () => Datagrams(node), "{datagram}", "UDP datagrams.");
        meter.CreateObservableCounter("zerotier.packets.dropped", () => Dropped(node), "{packet}", "Packets dropped, by reason.");
        meter.CreateObservableUpDownCounter("zerotier.tcp.connections", () => node.GetStatistics().TcpConnections, "{connection}", "Open TCP connections.");
        meter.CreateObservableCounter("zerotier.tcp.segments", () => Segments(node), "{segment}", "TCP segments.");
        meter.CreateObservableCounter("zerotier.tcp.retransmissions", () => _totals.Of("retransmissions", node.GetStatistics().TcpRetransmissions), "{segment}", "TCP segments sent again.");
    }

    private static Measurement<int>[] Peers(ZeroTierNode node)
    {
        int direct = 0;
        int relayed = 0;
        foreach (var peer in node.Peers)
        {
            direct += peer.IsDirect ? 1 : 0;
            relayed += peer.IsRelayed ? 1 : 0;
        }

        return [new(direct, PathTags.Direct), new(relayed, PathTags.Relayed)];
    }

    private Measurement<long>[] Bytes(ZeroTierNode node)
    {
        var statistics = node.GetStatistics();
        return InAndOut("bytes", statistics.BytesReceived, statistics.BytesSent);
    }

    private Measurement<long>[] Datagrams(ZeroTierNode node)
    {
        var statistics = node.GetStatistics();
        return InAndOut("datagrams", statistics.DatagramsReceived, statistics.DatagramsSent);
    }

    private Measurement<long>[] Segments(ZeroTierNode node)
    {
        var statistics = node.GetStatistics();
        return InAndOut("segments", statistics.TcpSegmentsReceived, statistics.TcpSegmentsSent);
    }

    private IEnumerable<Measurement<long>> Dropped(ZeroTierNode node) =>
        node.GetStatistics().Dropped.Select(reason => new Measurement<long>(
            _totals.Of($"dropped {reason.Key}", reason.Value), new KeyValuePair<string, object?>("error.type", reason.Key)));

    private Measurement<long>[] InAndOut(string what, long received, long sent) =>
        [new(_totals.Of($"{what} received", received), Receive), new(_totals.Of($"{what} sent", sent), Transmit)];
}
