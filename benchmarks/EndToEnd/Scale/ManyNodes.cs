using System.Diagnostics;
using ZeroTier.Managed;

namespace EndToEnd.Scale;

/// <summary>Nodes in one process, each with the private root as its only peer.</summary>
internal static class ManyNodes
{
    private const int Goal = 500;

    public static async Task RunAsync(ScaleOptions options)
    {
        await using var planet = await ScalePlanet.StartAsync(options.Address);
        await planet.StartNodeAsync(ScalePlanet.Network);
        ScaleTable.Begin(
            "Nodes in one process, on one network, with their root. Without the proofs of work.",
            "nodes",
            "heap of each, KiB",
            "resident of each, KiB",
            "threads of each",
            "starting each, processor, ms",
            "idle, ms/s",
            "idle, each, us/s");
        var before = Footprint.Take();
        int threadsBefore = Threads();
        int started = 0;
        foreach (int count in options.CountsTo(Goal))
        {
            int added = count - started;
            var identities = await IdentitiesAsync(added);
            var processorBefore = Environment.CpuUsage.TotalTime;
            foreach (var identity in identities)
            {
                await planet.StartNodeAsync(identity, ScalePlanet.Network);
            }

            started = count;
            double starting = (Environment.CpuUsage.TotalTime - processorBefore).TotalMilliseconds / added;
            double threads = (double)(Threads() - threadsBefore) / count;
            var (heap, resident) = Footprint.Take().EachSince(before, count);
            double idle = await ProcessorTime.IdleAsync(options.Duration);
            ScaleTable.Row(count, heap, resident, threads, starting, idle, idle * 1000 / count);
        }
    }

    // Proofs of work cost 0.1 s each and are no part of a node's start: a node keeps its identity.
    private static async Task<NodeIdentity[]> IdentitiesAsync(int count)
    {
        var identities = new NodeIdentity[count];
        await Parallel.ForAsync(0, count, async (i, stop) => identities[i] = await NodeIdentity.GenerateAsync(cancellationToken: stop));
        return identities;
    }

    private static int Threads()
    {
        using var process = Process.GetCurrentProcess();
        return process.Threads.Count;
    }
}
