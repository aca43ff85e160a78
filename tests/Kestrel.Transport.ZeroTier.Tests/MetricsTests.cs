using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Meters and tags: those of the node, and Kestrel's own over this transport.</summary>
public class MetricsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_9_2_Metrics_show_the_node_and_repeat_nothing_of_kestrel()
    {
        var names = new List<string>();
        var values = new Dictionary<string, long>();
        await using var host = await TestHost.StartAsync();
        var scope = host.App.Services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, scope)
                && (instrument.Meter.Name == NodeMetrics.MeterName || instrument.Meter.Name.Contains("Kestrel", StringComparison.Ordinal)))
            {
                names.Add(instrument.Name);
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>(
            (instrument, value, tags, _) => values[$"{instrument.Name} {string.Join(',', tags.ToArray())}"] = value);
        listener.SetMeasurementEventCallback<int>(
            (instrument, value, tags, _) => values[$"{instrument.Name} {string.Join(',', tags.ToArray())}"] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.Contains("kestrel.active_connections", names);
        Assert.Equal(11, values["zerotier.network.io [network.io.direction, receive]"]);
        Assert.Equal(22, values["zerotier.network.io [network.io.direction, transmit]"]);
        Assert.Equal(33, values["zerotier.network.datagrams [network.io.direction, receive]"]);
        Assert.Equal(44, values["zerotier.network.datagrams [network.io.direction, transmit]"]);
        Assert.Equal(55, values["zerotier.tcp.segments [network.io.direction, receive]"]);
        Assert.Equal(66, values["zerotier.tcp.segments [network.io.direction, transmit]"]);
        Assert.Equal(77, values["zerotier.tcp.retransmissions "]);
        Assert.Equal(3, values["zerotier.packets.dropped [error.type, vl1.mac]"]);
        Assert.Equal(1, values["zerotier.node.online "]);

        // The node begins again at zero, as after a restart; counters do not, and go on from where they were.
        host.Server.Statistics = new ZeroTierStatistics
        {
            BytesReceived = 5,
            TcpRetransmissions = 1,
            Dropped = new Dictionary<string, long> { ["vl1.mac"] = 1 },
        };
        listener.RecordObservableInstruments();
        Assert.Equal(16, values["zerotier.network.io [network.io.direction, receive]"]);
        Assert.Equal(22, values["zerotier.network.io [network.io.direction, transmit]"]);
        Assert.Equal(78, values["zerotier.tcp.retransmissions "]);
        Assert.Equal(4, values["zerotier.packets.dropped [error.type, vl1.mac]"]);
        listener.RecordObservableInstruments();
        Assert.Equal(16, values["zerotier.network.io [network.io.direction, receive]"]);
    }

    [Theory]
    [InlineData(true, "direct")]
    [InlineData(false, "relayed")]
    [InlineData(null, null)]
    public async Task Rule_9_3_A_connections_duration_carries_its_network_and_path_but_no_node(bool? direct, string? path)
    {
        var durations = new System.Collections.Concurrent.ConcurrentQueue<KeyValuePair<string, object?>[]>();
        await using var host = await TestHost.StartAsync();
        using var listener = new MeterListener();
        var scope = host.App.Services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Name == "kestrel.connection.duration" && ReferenceEquals(instrument.Meter.Scope, scope))
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => durations.Enqueue(tags.ToArray()));
        listener.Start();
        host.Server.PeerOfConnections = new ZeroTierPeer(host.Client.KnownId, ZeroTierPeerRole.Leaf)
        {
            IsDirect = direct == true,
            IsRelayed = direct == false,
        };
        host.Http.DefaultRequestHeaders.ConnectionClose = true;
        Assert.Equal("hello", await host.GetAsync());
        await TestHost.EventuallyAsync(() => !durations.IsEmpty, "the duration is measured");
        var tags = Assert.Single(durations);
        Assert.Contains(new("zerotier.network.id", FakeNetwork.DefaultId.ToString()), tags);
        Assert.Equal(path, tags.SingleOrDefault(tag => tag.Key == "zerotier.path").Value);
        Assert.DoesNotContain(
            tags, tag => tag.Value?.ToString()?.Contains(host.Client.KnownId.ToString(), StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task Rule_9_3_Without_a_listener_nothing_is_tagged_and_nothing_fails()
    {
        await using var host = await TestHost.StartAsync(zt => zt.Listen(8080, listen => listen.Use(next => connection =>
        {
            Assert.Null(connection.Features.Get<Microsoft.AspNetCore.Connections.Features.IConnectionMetricsTagsFeature>());
            return next(connection);
        })));
        Assert.Equal("hello", await host.GetAsync());
        Assert.Empty(host.Logs.AtLeast(Microsoft.Extensions.Logging.LogLevel.Error));
    }

    /// <summary>As an exporter of OpenTelemetry does: every instrument, every tag, from the first accept on (rules 6.2, 9.2).</summary>
    [Fact]
    public async Task Rule_9_2_A_collector_of_everything_sees_no_name_twice_and_does_no_harm()
    {
        var seen = new System.Collections.Concurrent.ConcurrentDictionary<Instrument, int>();
        await using var host = TestHost.Build();
        var scope = host.App.Services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, scope))
            {
                seen.TryAdd(instrument, 0);
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Note(instrument, tags));
        listener.SetMeasurementEventCallback<int>((instrument, _, tags, _) => Note(instrument, tags));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument, tags));
        listener.Start();
        await host.App.StartAsync(Cancel);
        host.Http.DefaultRequestHeaders.ConnectionClose = true;
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal("hello", await host.GetAsync());
            listener.RecordObservableInstruments();
        }

        string[] names = [.. seen.Keys.Select(i => i.Name)];
        Assert.Equal(names.Order(), names.Distinct().Order());
        Assert.Contains("kestrel.active_connections", names);
        Assert.Contains("zerotier.node.online", names);
        Assert.All(
            seen.Keys.Where(i => i.Meter.Name == NodeMetrics.MeterName),
            i => Assert.StartsWith("zerotier.", i.Name, StringComparison.Ordinal));
        Assert.True(seen.Single(i => i.Key.Name == "kestrel.connection.duration").Value > 0);
        Assert.Empty(host.Logs.AtLeast(Microsoft.Extensions.Logging.LogLevel.Error));

        void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var tag in tags)
            {
                Assert.NotNull(tag.Key);
            }

            seen.AddOrUpdate(instrument, 1, (_, count) => count + 1);
        }
    }

    [Fact]
    public async Task Rule_7_2_The_memory_pool_is_owned_by_zerotier()
    {
        var owners = new List<string?>();
        await using var host = await TestHost.StartAsync();
        var scope = host.App.Services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == "Microsoft.AspNetCore.MemoryPool" && ReferenceEquals(instrument.Meter.Scope, scope))
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            lock (owners)
            {
                owners.Add(string.Join(',', tags.ToArray()));
            }
        });
        listener.Start();
        Assert.Equal("hello", await host.GetAsync());
        await TestHost.EventuallyAsync(
            () =>
            {
                lock (owners)
                {
                    return owners.Any(o => o!.Contains("zerotier", StringComparison.Ordinal));
                }
            },
            "blocks of the pool are measured");
    }
}
