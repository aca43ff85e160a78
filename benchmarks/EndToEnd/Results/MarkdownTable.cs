using System.Globalization;
using System.Text;

namespace EndToEnd.Results;

/// <summary>The table of README: our transport beside sockets with and without TLS, in words.</summary>
internal static class MarkdownTable
{
    private static readonly string[] Columns = [Transport.ZeroTier, Transport.Sockets, Transport.SocketsTls];

    // A row is a measure, or several that are read together. Rows of which nothing was measured are left out.
    private static readonly (string Label, string[] Measures)[] Rows =
    [
        ("download, 1 connection", ["download_1"]),
        ("download, 8 connections", ["download_8"]),
        ("upload, 1 connection", ["upload_1"]),
        ("upload, 8 connections", ["upload_8"]),
        ("requests, 32 at a time", ["requests_32"]),
        ("round trip p50 / p99", ["round_trip_p50", "round_trip_p99"]),
        ("connections opened", ["connections_opened"]),
        ("processor time of client and server, down / up", ["download_cpu", "upload_cpu"]),
        ("the same for a request", ["request_cpu"]),
        ("memory of an idle connection", ["idle_connection_memory"]),
        ("process start to online / joined", ["start_to_online", "start_to_joined"]),
        ("process start to first response", ["start_to_first_response"]),
        ("processor time up to the first response", ["start_cpu"]),
        ("`samples/WebApi`: start to first response, JIT-compiled", ["jit_response"]),
        ("the same, ReadyToRun", ["r2r_response"]),
        ("the same, Native AOT", ["aot_response"]),
        ("size of `samples/WebApi`, JIT-compiled / ReadyToRun / Native AOT", ["jit_size", "r2r_size", "aot_size"]),
    ];

    /// <summary>The facts of the machine in a sentence, and the table.</summary>
    public static string Of(BenchmarkResults results)
    {
        var machine = results.Machine;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Commit {results.Commit?[..Math.Min(7, results.Commit.Length)] ?? "unknown"}, ");
        text.Append(CultureInfo.InvariantCulture, $"{results.Taken:yyyy-MM-dd}: {machine.Cores} cores ({machine.Processor}), ");
        text.Append(CultureInfo.InvariantCulture, $"{machine.Os}, {machine.Runtime}; load average before {machine.LoadBefore:0.0}.\n\n");
        text.Append("| measure | unit | ZeroTier | sockets | sockets + TLS | / sockets | / TLS | spread |\n");
        text.Append("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        foreach (var (label, names) in Rows)
        {
            var measures = names.Select(name => results.Measures.FirstOrDefault(m => m.Name == name)).ToList();
            if (measures.Find(m => m is not null) is not { } any)
            {
                continue;
            }

            string Cell(Func<MeasureResult, string> read)
            {
                string[] parts = [.. measures.Select(m => m is null ? "" : read(m))];
                return parts.All(part => part == "") ? "" : string.Join(" / ", parts);
            }

            text.Append(CultureInfo.InvariantCulture, $"| {label} | {any.Unit.Replace("us", "µs", StringComparison.Ordinal)} ");
            foreach (string name in Columns)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {Cell(m => Number.Of(m.Transports.GetValueOrDefault(name)?.Median))} ");
            }

            foreach (string name in Columns[1..])
            {
                text.Append(CultureInfo.InvariantCulture, $"| {Cell(m => Number.Of(m.Transports.GetValueOrDefault(name)?.Ratio))} ");
            }

            text.Append(CultureInfo.InvariantCulture, $"| {Cell(Spread)} |\n");
        }

        return text.ToString();
    }

    private static string Spread(MeasureResult measure) => measure.Transports.GetValueOrDefault(Transport.ZeroTier) switch
    {
        { Rounds.Count: > 1, Spread: { } spread } => spread.ToString("0 %", CultureInfo.InvariantCulture),
        _ => "",
    };
}
