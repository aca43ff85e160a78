using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Observability.Tests;

/// <summary>The meter as Prometheus sees it, and what is built on that: the dashboard and the table of metrics.</summary>
[Collection(nameof(ListenersOfTheProcess))]
public sealed partial class PrometheusTests(PrometheusTests.Scrape scrape) : IClassFixture<PrometheusTests.Scrape>
{
    private const string Dashboard = "docs/grafana/zerotier.json";

    /// <summary>Instruments that the dashboard does not show, with the reason.</summary>
    private static readonly Dictionary<string, string> NotShown = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_instrument_can_be_scraped_under_its_name_of_Prometheus()
    {
        string[] families = [.. Family()
            .Matches(scrape.Text)
            .Select(match => match.Groups[1].Value)
            .Where(name => name.StartsWith("zerotier_", StringComparison.Ordinal))];
        Assert.Equal(scrape.Instruments.Select(PrometheusName).Order(StringComparer.Ordinal), families.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_dashboard_shows_every_instrument_and_nothing_that_does_not_exist()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, Dashboard)));
        string[] expressions = [.. Strings(dashboard.RootElement, "expr"), .. Strings(dashboard.RootElement, "definition")];
        Assert.True(expressions.Length > 10, "The expressions were not found.");
        string[] used = [.. expressions.SelectMany(expression => Metric().Matches(expression)).Select(match => match.Value).Distinct()];
        string[] series = [.. Series().Matches(scrape.Text).Select(match => match.Groups[1].Value).Distinct()];
        Assert.Empty(used.Except(series));

        var shown = scrape.Instruments.Where(
            instrument => used.Any(name => name == PrometheusName(instrument) || name == PrometheusName(instrument) + "_bucket"));
        Assert.Equal(
            scrape.Instruments.Select(i => i.Name).Except(NotShown.Keys).Order(StringComparer.Ordinal),
            shown.Select(i => i.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_dashboard_groups_by_labels_that_the_series_have()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, Dashboard)));
        string[] known = [.. Label().Matches(scrape.Text).Select(match => match.Groups[1].Value).Distinct(), "instance", "job", "le"];
        Assert.Empty(
            Strings(dashboard.RootElement, "expr")
                .SelectMany(e => By().Matches(e))
                .SelectMany(match => match.Groups[1].Value.Split(", "))
                .Except(known));
        Assert.Empty(
            Strings(dashboard.RootElement, "legendFormat")
                .SelectMany(e => Legend().Matches(e))
                .Select(match => match.Groups[1].Value)
                .Except(known));
    }

    [Fact]
    public void The_dashboard_has_one_place_for_each_panel()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, Dashboard)));
        var cells = new HashSet<(int, int)>();
        foreach (var panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
        {
            var at = panel.GetProperty("gridPos");
            for (int x = 0; x < at.GetProperty("w").GetInt32(); x++)
            {
                for (int y = 0; y < at.GetProperty("h").GetInt32(); y++)
                {
                    Assert.InRange(at.GetProperty("x").GetInt32() + x, 0, 23);
                    Assert.True(
                        cells.Add((at.GetProperty("x").GetInt32() + x, at.GetProperty("y").GetInt32() + y)),
                        $"{panel.GetProperty("title")} lies on another panel.");
                }
            }
        }
    }

    [Fact]
    public void The_table_of_metrics_is_what_the_meter_has()
    {
        var text = new StringBuilder("| instrument | kind | unit | Prometheus | what it is |\n| --- | --- | --- | --- | --- |\n");
        foreach (var instrument in scrape.Instruments)
        {
            text.Append(
                $"| `{instrument.Name}` | {Kind(instrument)} | `{instrument.Unit}` | `{PrometheusName(instrument)}` | "
                + $"{instrument.Description} |\n");
        }

        Repository.HoldsPart("docs/observability.md", "metrics", text.ToString());
    }

    [Fact]
    public void Names_and_units_are_those_of_OpenTelemetry() => Assert.All(scrape.Instruments, instrument =>
    {
        Assert.Matches("^zerotier(\\.[a-z][a-z0-9_]*)+$", instrument.Name);
        Assert.Matches(@"^(1|s|By|\{[a-z]+\})$", instrument.Unit);
        Assert.EndsWith(".", instrument.Description, StringComparison.Ordinal);
    });

    [Fact]
    public async Task Promtool_finds_nothing_wrong()
    {
        string? tool = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "promtool"))
            .FirstOrDefault(File.Exists);
        Assert.SkipWhen(tool is null, "promtool is not installed (Debian: prometheus).");
        using var process = Process.Start(
            new ProcessStartInfo(tool, ["check", "metrics"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        await process.StandardInput.WriteAsync(scrape.Text.AsMemory(), Cancel);
        process.StandardInput.Close();
        string said = await process.StandardOutput.ReadToEndAsync(Cancel) + await process.StandardError.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);

        // Exit code 3: remarks on style, which the exporter's names of Kestrel's instruments give cause for.
        Assert.True(process.ExitCode is 0 or 3, said);
        Assert.DoesNotContain(said.Split('\n'), line => line.StartsWith("zerotier_", StringComparison.Ordinal));
    }

    /// <summary>As the exporter makes names: OpenTelemetry's specification, "Prometheus and OpenMetrics Compatibility".</summary>
    private static string PrometheusName(Instrument instrument)
    {
        bool isCounter = instrument.GetType().Name.Contains("ObservableCounter", StringComparison.Ordinal);
        string unit = instrument.Unit switch { "By" => "_bytes", "s" => "_seconds", _ => "" };
        return instrument.Name.Replace('.', '_') + unit + (isCounter ? "_total" : "");
    }

    private static string Kind(Instrument instrument) => instrument.GetType().Name.Split('`')[0] switch
    {
        "ObservableCounter" => "counter",
        "ObservableUpDownCounter" => "up-down counter",
        "ObservableGauge" => "gauge",
        "Histogram" => "histogram",
        var other => other,
    };

    private static IEnumerable<string> Strings(JsonElement element, string name) => element.ValueKind switch
    {
        JsonValueKind.Object =>
            element.EnumerateObject().SelectMany(property => property.Name == name && property.Value.ValueKind == JsonValueKind.String
                ? [property.Value.GetString()!]
                : Strings(property.Value, name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(item => Strings(item, name)),
        _ => [],
    };

    [GeneratedRegex(@"^# TYPE (\S+) ", RegexOptions.Multiline)]
    private static partial Regex Family();

    [GeneratedRegex(@"^([a-z_]+)[{ ]", RegexOptions.Multiline)]
    private static partial Regex Series();

    [GeneratedRegex(@"\bzerotier_[a-z_]+(?=\{)|(?<=label_values\()zerotier_[a-z_]+(?=,)")]
    private static partial Regex Metric();

    [GeneratedRegex("([a-z_]+)=\"")]
    private static partial Regex Label();

    [GeneratedRegex(@"by \(([^)]+)\)")]
    private static partial Regex By();

    [GeneratedRegex(@"\{\{([^}]+)\}\}")]
    private static partial Regex Legend();

    /// <summary>What Prometheus would get from an app that has served a request, and the instruments behind it.</summary>
    public sealed class Scrape : IAsyncLifetime
    {
        public string Text { get; private set; } = "";

        public IReadOnlyList<Instrument> Instruments { get; private set; } = [];

        public async ValueTask InitializeAsync()
        {
            var instruments = new List<Instrument>();
            using var listener = new MeterListener();
            listener.InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == "Kestrel.Transport.ZeroTier")
                {
                    instruments.Add(instrument);
                }
            };
            listener.Start();

            // With some way to go, so that there are round trips to measure.
            await using var network = await TestNetwork.StartAsync(new TestNetworkOptions { Latency = TimeSpan.FromMilliseconds(2) });
            await using var app = await Apps.StartAsync(
                network,
                configure: web => web.Services.AddOpenTelemetry()
                    .WithMetrics(
                        metrics => metrics.AddMeter(
                            "Kestrel.Transport.ZeroTier", "Microsoft.AspNetCore.Server.Kestrel").AddPrometheusExporter()),
                map: web => web.MapPrometheusScrapingEndpoint());
            using var http = await network.CreateClientAsync(app.Services);
            var node = app.Services.GetRequiredService<ZeroTierNode>();

            // A drop, since reasons that did not occur have no series.
            var caller = await network.StartNodeAsync();
            await using var socket = await caller.BindDatagramAsync(new ZeroTierEndPoint(TestNetwork.Network, 0));
            await socket.SendToAsync("to nobody"u8.ToArray(), new System.Net.IPEndPoint(node.Networks[0].Addresses[0].Address, 9));
            for (int i = 0;
                i < 600 && !(Text.Contains("zerotier_peer_round_trip_time_seconds_bucket", StringComparison.Ordinal)
                    && Text.Contains("zerotier_packets_dropped_total{", StringComparison.Ordinal));
                i++)
            {
                await Task.Delay(100);
                Text = await http.GetStringAsync("/metrics");
            }

            Instruments = [.. instruments.DistinctBy(instrument => instrument.Name)
                .OrderBy(instrument => instrument.Name, StringComparer.Ordinal)];
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
