using System.Diagnostics.Metrics;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// The meter <c>Kestrel.Transport.ZeroTier</c>: what Kestrel's own meter cannot know (rule 9.2). Names and units follow OpenTelemetry; everything is read
/// from the node when a collector asks.
/// </summary>
internal sealed class NodeMetrics(IMeterFactory meterFactory, ListenerRegistry listeners)
{
    public const string MeterName = "Kestrel.Transport.ZeroTier";

    private const string Direction = "network.io.direction";
    private static readonly KeyValuePair<string, object?> Receive = new(Direction, "receive");
    private static readonly KeyValuePair<string, object?> Transmit = new(Direction, "transmit");

    private int _created;

    /// <summary>Makes the instruments, once.</summary>
    public void Observe(IZeroTierNode node)
    {
        if (Interlocked.Exchange(ref _created, 1) != 0)
        {
            return;
        }

        var meter = meterFactory.Create(MeterName);
        meter.CreateObservableGauge("zerotier.node.online", () => node.IsOnline ? 1 : 0, "1", "1 while a root answers, else 0.");
        meter.CreateObservableUpDownCounter("zerotier.peers", () => Peers(node), "{peer}", "Peers in memory, by the kind of their path.");
        meter.CreateObservableCounter("zerotier.network.io", () => Bytes(node), "By", "UDP payload bytes; on libzt, which does not tell, the bytes of the node's own sockets.");
        meter.CreateObservableCounter("zerotier.network.datagrams", () => Datagrams(node), "{datagram}", "UDP datagrams.");
        meter.CreateObservableCounter("zerotier.packets.dropped", () => Dropped(node), "{packet}", "Packets dropped, by reason.");
        meter.CreateObservableUpDownCounter("zerotier.tcp.connections", () => node.GetStatistics().TcpConnections, "{connection}", "Open TCP connections.");
        meter.CreateObservableCounter(
            "zerotier.connections.failed", () => listeners.FailedConnections, "{connection}", "Accepted connections that could not be set up and were reset.");
        meter.CreateObservableCounter("zerotier.tcp.segments", () => Segments(node), "{segment}", "TCP segments.");
        meter.CreateObservableCounter("zerotier.tcp.retransmissions", () => node.GetStatistics().TcpRetransmissions, "{segment}", "TCP segments sent again.");
    }

    private static Measurement<int>[] Peers(IZeroTierNode node)
    {
        int direct = 0;
        int relayed = 0;
        foreach (var peer in node.Peers)
        {
            _ = peer.IsDirect ? direct++ : relayed++;
        }

        return [new(direct, PeerTags.Direct), new(relayed, PeerTags.Relayed)];
    }

    private static Measurement<long>[] Bytes(IZeroTierNode node)
    {
        var statistics = node.GetStatistics();
        return [new(statistics.BytesReceived, Receive), new(statistics.BytesSent, Transmit)];
    }

    private static Measurement<long>[] Datagrams(IZeroTierNode node)
    {
        var statistics = node.GetStatistics();
        return [new(statistics.DatagramsReceived, Receive), new(statistics.DatagramsSent, Transmit)];
    }

    private static Measurement<long>[] Segments(IZeroTierNode node)
    {
        var statistics = node.GetStatistics();
        return [new(statistics.TcpSegmentsReceived, Receive), new(statistics.TcpSegmentsSent, Transmit)];
    }

    private static IEnumerable<Measurement<long>> Dropped(IZeroTierNode node) =>
        node.GetStatistics().Dropped.Select(reason => new Measurement<long>(reason.Value, new KeyValuePair<string, object?>("error.type", reason.Key)));
}
