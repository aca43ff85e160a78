using System.Buffers;
using System.Text;
using System.Text.Json;
using ZeroTier.Hosting.Node;
using ZeroTier.Managed;

namespace ZeroTier.Service.AspNetCore.Status;

/// <summary>Writes a snapshot of the node for the status page as JSON. Values that the engine does not know are omitted.</summary>
internal static class StatusJson
{
    // Bounded, because a root may have thousands of peers.
    private const int MaxPeers = 200;

    public static string Write(NodeHost node, IEndpointReport? endPoints, DateTimeOffset now)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("time", now);
            WriteNode(writer, node);
            EndpointReport report = endPoints?.Read() ?? ReportOf(node);
            WriteTexts(writer, "problems", report.Problems);
            WriteTexts(writer, "warnings", report.Warnings);
            WriteEndPoints(writer, report);
            WriteNetworks(writer, node);
            WritePeers(writer, node.Peers, now);
            WriteTraffic(writer, node.Inner?.GetStatistics() ?? new ZeroTierStatistics());
            WriteEvents(writer, node);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    // The report of a host without endpoints: problems of the node only.
    private static EndpointReport ReportOf(NodeHost node)
    {
        if (node.LeftOut is { } reason)
        {
            return new EndpointReport([], [reason], []);
        }

        if (node.State != ZeroTierNodeState.Running)
        {
            return new EndpointReport([$"The node is {node.State}{(node.FatalError is { } fatal ? $": {fatal.Message}" : ".")}"], [], []);
        }

        return new EndpointReport(
            node.IsOnline ? [] : [$"The node is not online: {Readiness.NotOnline}."],
            node.Warning is { } warning ? [warning] : [],
            []);
    }

    private static void WriteNode(Utf8JsonWriter writer, NodeHost node)
    {
        if (node.State == ZeroTierNodeState.Running)
        {
            writer.WriteString("node", node.Id.ToString());
        }

        writer.WriteString("state", node.State.ToString());
        writer.WriteBoolean("online", node.IsOnline);
        writer.WriteString("engine", $"{node.Engine} {node.EngineVersion}".TrimEnd());
        if (node.Inner is ManagedNode managed)
        {
            WriteTexts(writer, "places", managed.LocalEndPoints.Select(endPoint => endPoint.ToString()));
        }
    }

    private static void WriteEndPoints(Utf8JsonWriter writer, EndpointReport report)
    {
        writer.WriteStartArray("endpoints");
        foreach ((string name, string state) in report.EndPoints)
        {
            writer.WriteStartObject();
            writer.WriteString("name", name);
            writer.WriteString("state", state);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteNetworks(Utf8JsonWriter writer, NodeHost node)
    {
        writer.WriteStartArray("networks");
        foreach (ZeroTierNetwork network in node.Networks)
        {
            writer.WriteStartObject();
            writer.WriteString("id", network.Id.ToString());
            writer.WriteString("name", network.Name);
            writer.WriteString("status", network.Status.ToString());
            writer.WriteBoolean("ready", network.IsReady);
            WriteTexts(writer, "addresses", network.Addresses.Select(address => address.ToString()));
            if (network.Detail is { } detail)
            {
                writer.WriteString("detail", detail);
            }

            if (network.LoginUrl is { } login)
            {
                writer.WriteString("login", login);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WritePeers(Utf8JsonWriter writer, IReadOnlyList<ZeroTierPeer> peers, DateTimeOffset now)
    {
        writer.WriteNumber("peerCount", peers.Count);
        writer.WriteStartArray("peers");
        foreach (ZeroTierPeer peer in peers.Take(MaxPeers))
        {
            writer.WriteStartObject();
            writer.WriteString("id", peer.Id.ToString());
            writer.WriteString("role", peer.Role.ToString());
            writer.WriteString("way", peer.IsDirect ? "direct" : peer.IsRelayed ? "relayed" : "unknown");
            if (peer.Paths.FirstOrDefault(path => path.IsPreferred) is { } path)
            {
                writer.WriteString("path", path.EndPoint.ToString());
            }

            if (peer.Latency is { } latency)
            {
                writer.WriteNumber("latency", Math.Round(latency.TotalMilliseconds, 1));
            }

            if (peer.Version is { } version)
            {
                writer.WriteString("version", version.ToString());
            }

            if (peer.LastReceived is { } heard)
            {
                writer.WriteNumber("silence", Math.Max(0, Math.Round((now - heard).TotalSeconds)));
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteTraffic(Utf8JsonWriter writer, ZeroTierStatistics statistics)
    {
        writer.WriteStartObject("traffic");
        writer.WriteNumber("received", statistics.BytesReceived);
        writer.WriteNumber("sent", statistics.BytesSent);
        writer.WriteNumber("connections", statistics.TcpConnections);
        writer.WriteNumber("retransmissions", statistics.TcpRetransmissions);
        writer.WriteStartObject("dropped");
        foreach ((string reason,
            long count) in statistics.Dropped.Where(drop => drop.Value > 0).OrderBy(drop => drop.Key, StringComparer.Ordinal))
        {
            writer.WriteNumber(reason, count);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteEvents(Utf8JsonWriter writer, NodeHost node)
    {
        writer.WriteStartArray("events");
        foreach (ZeroTierEvent happened in node.Watch.Recent.Reverse())
        {
            writer.WriteStartObject();
            writer.WriteString("time", happened.Time);
            writer.WriteString("code", happened.Code.ToString());
            if (happened.Network is { } network)
            {
                writer.WriteString("network", network.ToString());
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (string text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }
}
