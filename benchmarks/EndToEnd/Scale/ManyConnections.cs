namespace EndToEnd.Scale;

/// <summary>Idle connections on one node: their memory, their processor time, and what they cost a busy one.</summary>
internal static class ManyConnections
{
    private const int Goal = 100_000;

    public static async Task RunAsync(ScaleOptions options)
    {
        await using var planet = await ScalePlanet.StartAsync(options.Address);
        var server = await planet.StartNodeAsync(ScalePlanet.Network);
        await EchoServer.StartAsync(server, ScalePlanet.Network);
        var node = await planet.StartNodeAsync(ScalePlanet.Network);
        var client = new EchoClient(node, server.Id, ScalePlanet.Network);
        await client.OpenAsync(1);
        var busy = client.Connections[0];
        await ProcessorTime.EachAsync(() => EchoClient.RequestAsync(busy), options.Duration);
        ScaleTable.Begin(
            "Idle connections. Both ends are in this process: memory is that of one end, processor time that of both.",
            "connections",
            "heap of each, KiB",
            "resident of each, KiB",
            "idle, ms/s",
            "idle, each, us/s",
            "idle, segments/s",
            "one round trip beside them, us");
        var before = Footprint.Take();
        foreach (int count in options.CountsTo(Goal))
        {
            int opened = count + 1;
            await client.OpenAsync(opened);
            var (heap, resident) = Footprint.Take().EachSince(before, 2 * count);
            long sent = SegmentsSent();
            double idle = await ProcessorTime.IdleAsync(options.Duration);
            double segments = (SegmentsSent() - sent) / options.Duration.TotalSeconds;
            double roundTrip = await ProcessorTime.EachAsync(() => EchoClient.RequestAsync(busy), options.Duration);
            ScaleTable.Row(count, heap, resident, idle, idle * 1000 / count, segments, roundTrip);
        }

        long SegmentsSent() => server.GetStatistics().TcpSegmentsSent + node.GetStatistics().TcpSegmentsSent;
    }
}
