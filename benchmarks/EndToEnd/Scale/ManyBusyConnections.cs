using System.Diagnostics;
using ZeroTier.Managed;

namespace EndToEnd.Scale;

/// <summary>Connections of one node that all send small requests, each its next one when the last is answered.</summary>
internal static class ManyBusyConnections
{
    private const int Goal = 20_000;

    // On each connection before it counts: connections first learn how long answers take under this load.
    private const int RequestsBefore = 5;

    public static async Task RunAsync(ScaleOptions options)
    {
        await using var planet = await ScalePlanet.StartAsync(options.Address);
        var server = await planet.StartNodeAsync(ScalePlanet.Network);
        await EchoServer.StartAsync(server, ScalePlanet.Network);
        var node = await planet.StartNodeAsync(ScalePlanet.Network);
        var client = new EchoClient(node, server.Id, ScalePlanet.Network);
        await client.OpenAsync(1);
        await ProcessorTime.EachAsync(() => EchoClient.RequestAsync(client.Connections[0]), options.Duration);
        ScaleTable.Begin(
            "Busy connections, on each a request of 64 bytes after the other. Both ends are in this process, and counted together.",
            "connections",
            "requests/s",
            "each: processor, us",
            "each: segments",
            "each: retransmissions",
            "longest wait, ms");
        foreach (int count in options.CountsTo(Goal))
        {
            await client.OpenAsync(count);
            var load = new EchoLoad(client);
            while (load.Done < (long)RequestsBefore * count)
            {
                await Task.Delay(options.Duration / 5);
            }

            var before = Counters.Of(load, server, node);
            await Task.Delay(options.Duration);
            var after = Counters.Of(load, server, node);
            await load.StopAsync();
            double requests = after.Requests - before.Requests;
            ScaleTable.Row(
                count,
                requests / (after.Time - before.Time).TotalSeconds,
                (after.Processor - before.Processor).TotalMicroseconds / requests,
                (after.Segments - before.Segments) / requests,
                (after.Retransmissions - before.Retransmissions) / requests,
                load.LongestWait.TotalMilliseconds);
        }
    }

    private readonly record struct Counters(
        TimeSpan Time, TimeSpan Processor, long Requests, long Segments, long Retransmissions)
    {
        public static Counters Of(EchoLoad load, ManagedNode server, ManagedNode client)
        {
            var (one, other) = (server.GetStatistics(), client.GetStatistics());
            return new Counters(
                Stopwatch.GetElapsedTime(0),
                Environment.CpuUsage.TotalTime,
                load.Done,
                one.TcpSegmentsSent + other.TcpSegmentsSent,
                one.TcpRetransmissions + other.TcpRetransmissions);
        }
    }
}
