using System.Globalization;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Many seeds. <c>ZT_SEEDS</c> sets how many (default 500), <c>ZT_FIRST_SEED</c> where they begin (default 1).</summary>
public class ChaosTests
{
    private const int Batches = 10;

    public static TheoryData<int> BatchNumbers => [.. Enumerable.Range(0, Batches)];

    [Theory]
    [MemberData(nameof(BatchNumbers))]
    public void Streams_whatever_the_network_does_arrive_intact_or_fail(int batch)
    {
        int seeds = Number("ZT_SEEDS", 500);
        ulong first = (ulong)Number("ZT_FIRST_SEED", 1);
        int completed = 0;
        for (int i = batch; i < seeds; i += Batches)
        {
            completed += ChaosScenario.Run(first + (ulong)i).Completed;
        }

        Assert.True(completed > 0, "Nothing ever got through: the scenario tests nothing.");
    }

    /// <summary>Several at once, so that threads move between processors: a run must not depend on where it runs.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(77)]
    public void Same_seed_same_run(ulong seed)
    {
        var runs = new ChaosScenario.Result[64];
        Parallel.For(0, runs.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => runs[i] = ChaosScenario.Run(seed));

        Assert.Single(runs.Select(run => run.Log).Distinct());
        Assert.Single(runs.Select(run => run.Hash).Distinct());
        Assert.NotEqual(runs[0].Hash, ChaosScenario.Run(seed + 1).Hash);
    }

    private static int Number(string variable, int standard) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? value
            : standard;
}
