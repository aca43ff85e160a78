using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ZeroTier.Cli;

/// <summary>The output of <c>zt networks</c>: JSON for programs, text for people.</summary>
internal sealed record NetworkReport(
    string Node, bool Online, IReadOnlyList<NetworkReport.Entry> Networks, IReadOnlyDictionary<string, long> Dropped)
{
    private const string FramePrefix = "vl2.";

    internal sealed record Entry(
        string Id,
        string Name,
        string Status,
        bool Ready,
        IReadOnlyList<string> Addresses,
        IReadOnlyList<Route> Routes,
        NameServers? Dns,
        int Mtu,
        string Mac,
        bool Public,
        bool Broadcast,
        string? Detail,
        string? LoginUrl);

    internal sealed record Route(string Target, string? Gateway, int Metric);

    internal sealed record NameServers(string Domain, IReadOnlyList<string> Servers);

    public static NetworkReport Of(ZeroTierNode node) => new(
        node.Id.ToString(),
        node.IsOnline,
        [.. node.Networks.Select(Describe)],
        node.GetStatistics().Dropped.Where(d => d.Key.StartsWith(FramePrefix, StringComparison.Ordinal))
            .ToDictionary(d => d.Key, d => d.Value));

    public string ToJson() => JsonSerializer.Serialize(this, NetworkReportJson.Default.NetworkReport);

    /// <summary>One line per network, followed by its details.</summary>
    public string ToText(bool details)
    {
        if (Networks.Count == 0)
        {
            return "No network is joined. Join one with: zt join NETWORK --home FOLDER\n";
        }

        string[][] rows =
        [
            ["NETWORK", "NAME", "STATUS", "ADDRESSES"],
            .. Networks.Select(n => (string[])[n.Id, n.Name, n.Status, string.Join(", ", n.Addresses)]),
        ];
        int[] widths = [.. Enumerable.Range(0, 3).Select(column => rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        for (int i = 0; i < rows.Length; i++)
        {
            text.AppendLine(
                string.Join(
                    "  ", rows[i].Select((cell, column) => column < widths.Length ? cell.PadRight(widths[column]) : cell)).TrimEnd());
            if (i > 0)
            {
                Append(text, Networks[i - 1], details);
            }
        }

        if (details)
        {
            text.AppendLine(Dropped.Count == 0 ? "No frame was dropped since the start." : "Frames dropped since the start, by reason:");
            foreach (var (reason, count) in Dropped.OrderByDescending(d => d.Value))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"    {reason[FramePrefix.Length..],-16} {count}");
            }
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, Entry network, bool details)
    {
        void Line(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"    {name,-8} {value}");
            }
        }

        Line("routes", string.Join(", ", network.Routes.Select(r => r.Gateway is null ? r.Target : $"{r.Target} via {r.Gateway}")));
        Line(
            "dns",
            network.Dns is { } dns ? $"{(dns.Domain.Length == 0 ? "(no domain)" : dns.Domain)}: {string.Join(", ", dns.Servers)}" : null);
        Line("to do", network.Detail);
        if (details && network.Mtu > 0)
        {
            Line("mac", network.Mac);
            Line("mtu", network.Mtu.ToString(CultureInfo.InvariantCulture));
            Line("type", $"{(network.Public ? "public" : "private")}{(network.Broadcast ? ", broadcast" : "")}");
        }
    }

    private static Entry Describe(ZeroTierNetwork network) => new(
        network.Id.ToString(),
        network.Name,
        network.Status.ToString(),
        network.IsReady,
        [.. network.Addresses.Select(a => a.ToString())],
        [.. network.Routes.Select(r => new Route(r.Target.ToString(), r.Gateway?.ToString(), r.Metric))],
        network.Dns is { } dns ? new NameServers(dns.Domain, [.. dns.Servers.Select(s => s.ToString())]) : null,
        network.Mtu,
        network.Mac,
        network.IsPublic,
        network.AllowsBroadcast,
        network.Detail,
        network.LoginUrl);
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NetworkReport))]
internal sealed partial class NetworkReportJson : JsonSerializerContext;
