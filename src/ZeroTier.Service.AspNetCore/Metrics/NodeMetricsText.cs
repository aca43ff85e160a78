namespace ZeroTier.Service.AspNetCore.Metrics;

/// <summary>
/// Writes the node's metrics, with ZeroTierOne's names where the meaning is the same (docs/protocol/5-http-api.md 5.4.7), and further ones.
/// </summary>
internal static class NodeMetricsText
{
    public static void Write(MetricsText text, ZeroTierNode node)
    {
        ZeroTierStatistics statistics = node.GetStatistics();
        WriteTraffic(text, statistics);
        WriteNetworks(text, node.Networks);
        WritePeers(text, node.Peers);
        WriteConnections(text, statistics);
    }

    private static void WriteTraffic(MetricsText text, ZeroTierStatistics statistics)
    {
        text.Begin("zt_data", "counter", "number of bytes ZeroTier has transmitted or received");
        text.Add("zt_data{direction=\"rx\",protocol=\"udp\"}", statistics.BytesReceived);
        text.Add("zt_data{direction=\"tx\",protocol=\"udp\"}", statistics.BytesSent);
        text.Begin("zt_datagrams", "counter", "number of UDP datagrams");
        text.Add("zt_datagrams{direction=\"rx\"}", statistics.DatagramsReceived);
        text.Add("zt_datagrams{direction=\"tx\"}", statistics.DatagramsSent);
        text.Begin("zt_dropped", "counter", "number of packets dropped, by reason");
        foreach ((string reason, long count) in statistics.Dropped.OrderBy(dropped => dropped.Key, StringComparer.Ordinal))
        {
            text.Add($"zt_dropped{{reason=\"{reason}\"}}", count);
        }
    }

    private static void WriteNetworks(MetricsText text, IReadOnlyList<ZeroTierNetwork> networks)
    {
        text.Add("zt_num_networks", "gauge", "number of networks this instance is joined to", networks.Count);
        text.Begin("zt_network_ready", "gauge", "1 when the network can carry traffic");
        foreach (ZeroTierNetwork network in networks)
        {
            text.Add($"zt_network_ready{{network_id=\"{network.Id}\"}}", network.IsReady ? 1 : 0);
        }
    }

    private static void WritePeers(MetricsText text, IReadOnlyList<ZeroTierPeer> peers)
    {
        text.Begin("zt_peer_path_count", "gauge", "number of paths to peer");
        foreach (ZeroTierPeer peer in peers)
        {
            text.Add($"zt_peer_path_count{{node_id=\"{peer.Id}\",status=\"alive\"}}", peer.Paths.Count);
        }

        // A gauge and not a histogram, because the node only keeps the latest measurement.
        text.Begin("zt_peer_latency_ms", "gauge", "peer latency (ms), as last measured");
        foreach (ZeroTierPeer peer in peers)
        {
            if (peer.Latency is { } latency)
            {
                text.Add($"zt_peer_latency_ms{{node_id=\"{peer.Id}\"}}", (long)Math.Ceiling(latency.TotalMilliseconds));
            }
        }
    }

    private static void WriteConnections(MetricsText text, ZeroTierStatistics statistics)
    {
        text.Add("zt_tcp_connections", "gauge", "TCP connections now open", statistics.TcpConnections);
        text.Add("zt_tcp_retransmissions", "counter", "TCP segments sent again", statistics.TcpRetransmissions);
        text.Begin("zt_tcp_segments", "counter", "TCP segments");
        text.Add("zt_tcp_segments{direction=\"rx\"}", statistics.TcpSegmentsReceived);
        text.Add("zt_tcp_segments{direction=\"tx\"}", statistics.TcpSegmentsSent);
    }
}
