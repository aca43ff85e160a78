using System.Text;
using System.Text.Json;
using ZeroTier.Controller;

namespace ZeroTier.Cli.Management;

/// <summary>The output of commands about networks and members: tables for people, the API's JSON for programs.</summary>
internal static class Report
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public static string Networks(IReadOnlyList<ControllerNetwork> networks) => networks.Count == 0
        ? "The controller has no network. Make one: zt controller network create --ipv4 10.147.17.0/24\n"
        : Table(
            ["NETWORK", "NAME", "ACCESS", "IPV4 POOLS", "ROUTES"],
            networks.Select(n => (string[])[n.Id.ToString(), n.Name, Access(n), Pools(n), Routes(n)]));

    public static string Network(ControllerNetwork network) => Table(
        [],
        [
            ["network", network.Id.ToString()],
            ["name", network.Name],
            ["access", Access(network)],
            ["pools", Pools(network)],
            ["routes", Routes(network)],
            ["ipv6", network.IPv6Assignment.ToString()],
            ["dns", network.Dns is { } dns ? $"{dns.Domain}: {string.Join(", ", Servers(network, dns))}" : ""],
            ["mtu", $"{network.Mtu}"],
            ["multicast", $"{network.MulticastLimit}{(network.AllowsBroadcast ? ", broadcast" : "")}"],
            ["rules", $"{network.Rules.Length}, {network.Capabilities.Length} capabilities, {network.Tags.Length} tags"],
            ["tokens", $"{network.JoinTokens.Count}"],
            ["revision", $"{network.Revision}"],
        ]);

    private static IEnumerable<string> Servers(ControllerNetwork network, NetworkDnsSettings dns) =>
        network.ServesNames ? dns.Servers.Prepend("this controller") : dns.Servers;

    public static string Members(NetworkId network, IReadOnlyList<ControllerMember> members) => members.Count == 0
        ? $"Nobody has asked to join. On another machine: zt join {network} --home FOLDER --planet FILE --wait\n"
        : Table(
            ["NODE", "NAME", "MEMBER", "ADDRESSES", "TAGS", "VERSION"],
            members.Select(m => (string[])
            [
                m.Node.ToString(), m.Name ?? "", m.IsAuthorized ? "yes" : "waits", string.Join(", ", m.Addresses),
                string.Join(", ", m.Tags.Select(t => $"{t.Key}={t.Value}")),
                m.Version is { } v ? $"{v.Major}.{v.Minor}.{v.Revision}" : "",
            ]));

    public static string Json(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Indented))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n";
    }

    public static string JsonList<T>(IEnumerable<T> items, Action<Utf8JsonWriter, T> write) => Json(writer =>
    {
        writer.WriteStartArray();
        foreach (var item in items)
        {
            write(writer, item);
        }

        writer.WriteEndArray();
    });

    // Removes control characters, since names are set by others and must not control the terminal.
    private static string Table(string[] header, IEnumerable<string[]> lines)
    {
        string[][] rows =
        [
            .. header.Length > 0 ? [header] : Array.Empty<string[]>(),
            .. lines.Select(l => l.Select(c => string.Concat(c.Where(x => !char.IsControl(x)))).ToArray()),
        ];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        return string.Concat(
            rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd() + "\n"));
    }

    private static string Access(ControllerNetwork network) => network.IsPrivate ? "private" : "public";

    private static string Pools(ControllerNetwork network) => string.Join(", ", network.AddressPools.Select(p => $"{p.First}-{p.Last}"));

    private static string Routes(ControllerNetwork network) =>
        string.Join(", ", network.Routes.Select(r => $"{r.Target}/{r.PrefixLength}{(r.Via is null ? "" : $" via {r.Via}")}"));
}
