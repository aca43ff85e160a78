using System.Diagnostics.Metrics;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// The meter <c>Kestrel.Transport.ZeroTier</c>: measurements that Kestrel's own meter does not have (rule 9.2). Names and units follow
/// OpenTelemetry; values are read from the node when metrics are collected (except the round-trip histogram), and counters continue across
/// restarts of the node.
/// </summary>
internal sealed class NodeMetrics(IMeterFactory meterFactory)
{
    /// <summary>The meter's name, the same in web apps and others.</summary>
    public const string MeterName = "Kestrel.Transport.ZeroTier";

    /// <summary>The tag with a network's ID.</summary>
    public const string Network = "zerotier.network.id";

    /// <summary>The tags for the direction of traffic.</summary>
    public static readonly KeyValuePair<string, object?> Receive = new(Direction, "receive");

    /// <inheritdoc cref="Receive"/>
    public static readonly KeyValuePair<string, object?> Transmit = new(Direction, "transmit");

    // Limits the time series of networks, so that an app that joins many at run time does not overload the collector.
    private const int MaxNetworks = 32;
    private const string Direction = "network.io.direction";

    // Bucket boundaries in seconds. The protocol measures whole milliseconds; a peer that needs more than some seconds counts as silent.
    private static readonly InstrumentAdvice<double> RoundTrips = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    };

    private readonly RunningTotals _totals = new();
    private int _created;

    /// <summary>Creates the instruments, once.</summary>
    public void Observe(ZeroTierNode node)
    {
        if (Interlocked.Exchange(ref _created, 1) != 0)
        {
            return;
        }

        var meter = meterFactory.Create(MeterName);
        meter.CreateObservableGauge("zerotier.node.online", () => node.IsOnline ? 1 : 0, "1", "1 while a root answers, else 0.");
        meter.CreateObservableUpDownCounter(
            "zerotier.peers", () => Peers(node), "{peer}", "Peers that are heard, by the kind of their path.");
        meter.CreateObservableCounter(
            "zerotier.network.io",
            () => Bytes(node),
            "By",
            "UDP payload bytes; on libzt, which does not tell, the bytes of the node's own sockets.");
        meter.CreateObservableCounter("zerotier.network.datagrams", () => Datagrams(node), "{datagram}", "UDP datagrams.");
        meter.CreateObservableCounter("zerotier.packets.dropped", () => Dropped(node), "{packet}", "Packets dropped, by reason.");
        meter.CreateObservableUpDownCounter(
            "zerotier.tcp.connections", () => node.GetStatistics().TcpConnections, "{connection}", "Open TCP connections.");
        meter.CreateObservableCounter("zerotier.tcp.segments", () => Segments(node), "{segment}", "TCP segments.");
        meter.CreateObservableUpDownCounter(
            "zerotier.network.status", () => Networks(node), "{network}", "1 for the status that a network has now, 0 for the others.");
        meter.CreateObservableCounter(
            "zerotier.tcp.handshakes.failed", () => _totals.Of("handshakes", node.GetStatistics().TcpHandshakesFailed), "{connection}",
            "TCP connections, in and out, that ended before they were established.");
        var roundTrip = meter.CreateHistogram(
            "zerotier.peer.round_trip_time",
            "s",
            "Round trips to peers over direct paths, as the protocol measures them.",
            tags: null,
            RoundTrips);
        node.RoundTripMeasured = time => Record(roundTrip, time);
        meter.CreateObservableCounter(
            "zerotier.tcp.retransmissions",
            () => _totals.Of("retransmissions", node.GetStatistics().TcpRetransmissions),
            "{segment}",
            "TCP segments sent again.");
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

    private static IEnumerable<Measurement<int>> Networks(ZeroTierNode node) =>
        from network in node.Networks.Take(MaxNetworks)
        from status in Enum.GetValues<ZeroTierNetworkStatus>()
        select new Measurement<int>(
            network.Status == status ? 1 : 0, new(Network, network.Id.ToString()), new("zerotier.network.status", status.ToString()));

    // Listeners run here, on an engine thread: their exceptions are swallowed.
    private static void Record(Histogram<double> histogram, TimeSpan time)
    {
        try
        {
            histogram.Record(time.TotalSeconds);
        }
        catch (Exception)
        {
            // Only this measurement is lost.
        }
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
