using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>Kestrel's own meter over the transport, as OpenTelemetry would read it.</summary>
public abstract class MetricsTests(FunctionalTransport transport)
{
    [Fact]
    public async Task Rule_6_2_Kestrels_connection_metrics_have_the_tags_of_a_TCP_transport()
    {
        using var metrics = new KestrelMeter();
        await using var server = await FunctionalServer.StartAsync(
            transport, context => context.Response.WriteAsync("served"), metrics.Join);
        using (var http = server.CreateClient())
        {
            Assert.Equal("served", await http.GetStringAsync("/"));
        }

        await server.StopAsync(Wait.Limit);
        string type = server.EndPoint.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "ipv4" : "ipv6";
        var duration = Assert.Single(metrics.Of("kestrel.connection.duration"));
        Assert.Equal(
            [
                ("network.protocol.name", "http"), ("network.protocol.version", "1.1"), ("network.transport", "tcp"),
                ("network.type", type),
                ("server.address", server.EndPoint.Address.ToString()),
                ("server.port", server.EndPoint.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ],
            duration.Tags.Where(
                tag => !tag.Name.StartsWith("zerotier.", StringComparison.Ordinal)
                    && !tag.Name.StartsWith("error.", StringComparison.Ordinal)));
        Assert.Equal(0, metrics.Of("kestrel.active_connections").Sum(measurement => measurement.Value));
        Assert.Equal(0, metrics.Of("kestrel.queued_connections").Sum(measurement => measurement.Value));
    }

    [Fact]
    public async Task Rule_9_3_The_network_and_the_path_are_tags_of_the_duration_over_ours_only()
    {
        using var metrics = new KestrelMeter();
        await using var server = await FunctionalServer.StartAsync(transport, _ => Task.CompletedTask, metrics.Join);
        using (var http = server.CreateClient())
        {
            await http.GetStringAsync("/");
        }

        await server.StopAsync(Wait.Limit);
        string[] own = [.. Assert.Single(metrics.Of("kestrel.connection.duration")).Tags.Select(tag => tag.Name)
            .Where(name => name.StartsWith("zerotier.", StringComparison.Ordinal))];

        // The path is that of the caller's node, which libzt can tell from derived IPv6 addresses alone.
        string[] expected = transport is SocketsTransport ? []
            : transport is LibztIPv4Transport ? ["zerotier.network.id"]
            : ["zerotier.network.id", "zerotier.path"];
        Assert.Equal(expected, own);
    }

    [Fact]
    public async Task Refused_connections_and_upgrades_are_counted()
    {
        using var metrics = new KestrelMeter();
        await using var server = await FunctionalServer.StartAsync(transport, _ => Task.CompletedTask, options =>
        {
            metrics.Join(options);
            options.Kestrel = kestrel => kestrel.Limits.MaxConcurrentConnections = 1;
        });
        await using var first = await server.ConnectAsync();
        await first.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        await first.ReadResponseAsync();
        await using var second = await server.ConnectAsync();
        await second.ReadToEndAsync();
        await Wait.UntilAsync(
            () => metrics.Of("kestrel.rejected_connections").Sum(measurement => measurement.Value) == 1, "the refusal was counted");
    }

    /// <summary>Hears the meter of one host only.</summary>
    private sealed class KestrelMeter : IMeterFactory
    {
        private readonly ConcurrentBag<Meter> _meters = [];
        private readonly ConcurrentQueue<Measurement> _measurements = new();
        private readonly MeterListener _listener = new();

        public KestrelMeter()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Microsoft.AspNetCore.Server.Kestrel" && _meters.Contains(instrument.Meter))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.Start();
        }

        public void Join(ServerOptions options) => options.Builder += builder => builder.Services.AddSingleton<IMeterFactory>(this);

        public IEnumerable<Measurement> Of(string instrument) => _measurements.Where(measurement => measurement.Instrument == instrument);

        public Meter Create(MeterOptions options)
        {
            options.Scope = this;
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        public void Dispose()
        {
            _listener.Dispose();
            foreach (var meter in _meters)
            {
                meter.Dispose();
            }
        }

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            _measurements.Enqueue(new Measurement(
                instrument.Name,
                value,
                [.. tags.ToArray().Select(
                    tag => (tag.Key, Convert.ToString(tag.Value, System.Globalization.CultureInfo.InvariantCulture)!)).Order()]));
    }

    private sealed record Measurement(string Instrument, double Value, (string Name, string Value)[] Tags);
}
