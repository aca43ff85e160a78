using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Observability.Tests;

/// <summary>The meter of node and endpoints.</summary>
[Collection(nameof(ListenersOfTheProcess))]
public sealed class MetricsTests : IAsyncLifetime
{
    private TestNetwork _network = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _network = await TestNetwork.StartAsync(Cancel);

    public async ValueTask DisposeAsync() => await _network.DisposeAsync();

    [Fact]
    public async Task Each_network_has_one_status()
    {
        await using var app = await Apps.StartAsync(_network);
        using var metrics = new Metrics(app.Services);
        await app.Services.GetRequiredService<ZeroTierNode>().JoinAsync(NetworkId.Parse("8056c2e21c000001"), Cancel);

        var status = metrics.Read("zerotier.network.status")
            .Where(m => m.Value == 1)
            .Select(m => (m.Tags["zerotier.network.id"], m.Tags["zerotier.network.status"]));
        Assert.Equal([(TestNetwork.Network.ToString(), "Ok"), ("8056c2e21c000001", "RequestingConfiguration")], status);
        Assert.All(metrics.Read("zerotier.network.status"), m => Assert.InRange(m.Value, 0, 1));
    }

    [Fact]
    public async Task However_many_networks_are_joined_the_series_are_few()
    {
        await using var app = await Apps.StartAsync(_network);
        using var metrics = new Metrics(app.Services);
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        for (int i = 1; i <= 40; i++)
        {
            await node.JoinAsync(NetworkId.AdHoc((ushort)i, 100), Cancel);
        }

        Assert.Equal(32, metrics.Read("zerotier.network.status").Select(m => m.Tags["zerotier.network.id"]).Distinct().Count());
    }

    [Fact]
    public async Task Endpoints_count_what_the_server_reads_and_writes_while_connections_live_and_after()
    {
        await using var app = await Apps.StartAsync(_network, map: web => web.MapPost("/", async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            await context.Response.Body.WriteAsync(new byte[50_000]);
        }));
        using var metrics = new Metrics(app.Services);
        var before = Bytes(metrics);
        using (var http = await _network.CreateClientAsync(app.Services, Cancel))
        {
            using var answer = await http.PostAsync("/", new ByteArrayContent(new byte[100_000]), Cancel);
            Assert.Equal(50_000, (await answer.Content.ReadAsByteArrayAsync(Cancel)).Length);

            var (received, sent) = Bytes(metrics);
            Assert.InRange(received - before.Received, 100_000, 102_000);
            Assert.InRange(sent - before.Sent, 50_000, 52_000);
            var accepted = Assert.Single(metrics.Read("zerotier.endpoint.connections"));
            Assert.Equal(1, accepted.Value);
            Assert.Equal(("8080", TestNetwork.Network.ToString()), (accepted.Tags["server.port"], accepted.Tags["zerotier.network.id"]));
        }

        await Eventually.TrueAsync(() => app.Services.GetRequiredService<ZeroTierNode>().GetStatistics().TcpConnections == 0, "closed");
        var after = Bytes(metrics);
        Assert.InRange(after.Received - before.Received, 100_000, 102_000);
        Assert.InRange(after.Sent - before.Sent, 50_000, 52_000);
    }

    [Fact]
    public async Task Handshakes_that_fail_are_counted()
    {
        await using var app = await Apps.StartAsync(_network);
        using var metrics = new Metrics(app.Services);
        var peer = await _network.StartNodeAsync(Cancel);
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        await Assert.ThrowsAsync<ZeroTierException>(
            async () => await node.ConnectAsync(
                new ZeroTierEndPoint(TestNetwork.Network, peer.Networks[0].Addresses[0].Address, 9), Cancel));

        await Eventually.TrueAsync(() => Assert.Single(metrics.Read("zerotier.tcp.handshakes.failed")).Value == 1, "counted");
    }

    [Fact]
    public async Task Round_trips_to_peers_are_a_histogram_in_seconds()
    {
        await using var slow = await TestNetwork.StartAsync(new TestNetworkOptions { Latency = TimeSpan.FromMilliseconds(20) }, Cancel);
        using var metrics = new Metrics(services: null);
        await using var app = await Apps.StartAsync(slow);
        await Eventually.TrueAsync(() => metrics.Recorded("zerotier.peer.round_trip_time").Count > 0, "measured");

        Assert.All(metrics.Recorded("zerotier.peer.round_trip_time"), m => Assert.InRange(m.Value, 0.04, 10));
        Assert.All(metrics.Recorded("zerotier.peer.round_trip_time"), m => Assert.Empty(m.Tags));
    }

    [Fact]
    public async Task A_collector_that_throws_costs_the_node_nothing()
    {
        using var metrics = new Metrics(services: null) { Fails = true };
        var logs = new LogCollector();
        await using var app = await Apps.StartAsync(_network, configure: web => web.Logging.AddProvider(logs));
        using var http = await _network.CreateClientAsync(app.Services, Cancel);
        await Eventually.TrueAsync(() => metrics.Failures > 0, "failed");

        Assert.Equal("hello", await http.GetStringAsync("/", Cancel));
        Assert.Empty(logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Instruments_end_with_the_host()
    {
        var app = await Apps.StartAsync(_network);
        using var metrics = new Metrics(app.Services);
        Assert.NotEmpty(metrics.Read("zerotier.node.online"));
        await app.DisposeAsync();

        Assert.Empty(metrics.Read("zerotier.node.online"));
        Assert.Contains("zerotier.peer.round_trip_time", metrics.Ended);
        Assert.Contains("zerotier.endpoint.io", metrics.Ended);
    }

    private static (double Received, double Sent) Bytes(Metrics metrics)
    {
        var bytes = metrics.Read("zerotier.endpoint.io");
        return (bytes.Single(m => m.Tags["network.io.direction"] == "receive").Value,
            bytes.Single(m => m.Tags["network.io.direction"] == "transmit").Value);
    }

    internal sealed record Measured(string Name, double Value, Dictionary<string, string> Tags);

    /// <summary>Collects what the meter of one host says, or that of all hosts.</summary>
    internal sealed class Metrics : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly List<Measured> _measured = [];

        public Metrics(IServiceProvider? services)
        {
            var scope = services?.GetRequiredService<IMeterFactory>();
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Kestrel.Transport.ZeroTier"
                    && (scope is null || ReferenceEquals(instrument.Meter.Scope, scope)))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.MeasurementsCompleted = (instrument, _) => Ended.Add(instrument.Name);
            _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.Start();
        }

        public bool Fails { get; init; }

        public int Failures { get; private set; }

        public List<string> Ended { get; } = [];

        public List<Measured> Read(string name)
        {
            lock (_measured)
            {
                _measured.Clear();
                _listener.RecordObservableInstruments();
                return [.. _measured.Where(m => m.Name == name)];
            }
        }

        /// <summary>What came by itself.</summary>
        public List<Measured> Recorded(string name)
        {
            lock (_measured)
            {
                return [.. _measured.Where(m => m.Name == name)];
            }
        }

        public void Dispose() => _listener.Dispose();

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (Fails)
            {
                Failures++;
                throw new InvalidOperationException("A collector's mistake.");
            }

            var texts = new Dictionary<string, string>();
            foreach (var (name, tag) in tags)
            {
                texts.Add(name, Convert.ToString(tag, CultureInfo.InvariantCulture)!);
            }

            lock (_measured)
            {
                _measured.Add(new Measured(instrument.Name, value, texts));
            }
        }
    }
}
