using System.Globalization;

namespace ZeroTier.Controller.Tests.Simulation;

/// <summary>Many seeds. <c>ZT_SEEDS</c> sets how many (default 40), <c>ZT_FIRST_SEED</c> where they begin (default 1).</summary>
public class NetworkChaosTests
{
    private const int Batches = 4;

    public static TheoryData<int> BatchNumbers => [.. Enumerable.Range(0, Batches)];

    [Theory]
    [MemberData(nameof(BatchNumbers))]
    public void Whatever_happens_members_agree_with_the_controller_once_it_is_over(int batch)
    {
        int seeds = Number("ZT_SEEDS", 40);
        ulong first = (ulong)Number("ZT_FIRST_SEED", 1);
        for (int i = batch; i < seeds; i += Batches)
        {
            new NetworkChaos(first + (ulong)i).Run();
        }
    }

    private static int Number(string variable, int standard) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? value
            : standard;
}
