using ZeroTier;
using ZeroTier.Managed;

namespace EndToEnd.Scale;

/// <summary>Networks that one node has joined: ad-hoc ones, with addresses of both families and multicast.</summary>
internal static class ManyNetworks
{
    private const int Goal = 1_000;

    public static async Task RunAsync(ScaleOptions options)
    {
        await using var planet = await ScalePlanet.StartAsync(options.Address);
        var server = await planet.StartNodeAsync(Network(0));
        var peer = await planet.StartNodeAsync(Network(0));
        await RoundTripAsync(server, peer, Network(0), options);
        ScaleTable.Begin(
            "Networks of one node. A round trip is one on the network joined last, with both ends in this process.",
            "networks",
            "heap of each, KiB",
            "resident of each, KiB",
            "joining each, ms",
            "idle, ms/s",
            "idle, each, us/s",
            "one round trip, us");
        var before = Footprint.Take();
        int joined = 0;
        foreach (int count in options.CountsTo(Goal))
        {
            var processorBefore = Environment.CpuUsage.TotalTime;
            int added = count - joined;
            for (; joined < count; joined++)
            {
                await server.JoinAsync(Network(joined + 1));
            }

            double joining = (Environment.CpuUsage.TotalTime - processorBefore).TotalMilliseconds / added;
            var (heap, resident) = Footprint.Take().EachSince(before, count);
            double idle = await ProcessorTime.IdleAsync(options.Duration);
            double roundTrip = await RoundTripAsync(server, peer, Network(count), options);
            ScaleTable.Row(count, heap, resident, joining, idle, idle * 1000 / count, roundTrip);
        }
    }

    // Microseconds for both ends.
    private static async Task<double> RoundTripAsync(ManagedNode server, ManagedNode peer, NetworkId network, ScaleOptions options)
    {
        await EchoServer.StartAsync(server, network);
        await peer.JoinAsync(network);
        var client = new EchoClient(peer, server.Id, network);
        await client.OpenAsync(1);
        double roundTrip = await ProcessorTime.EachAsync(() => EchoClient.RequestAsync(client.Connections[0]), options.Duration);
        await peer.LeaveAsync(network);
        return roundTrip;
    }

    private static NetworkId Network(int number) => new(0xff0a_0000_0000_0001 | (ulong)number << 8);
}
