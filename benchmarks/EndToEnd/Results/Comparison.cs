using System.Globalization;

namespace EndToEnd.Results;

/// <summary>
/// What a commit changed: each measure of our transport over several runs of both commits, taken in turn. A run counts by its median, and
/// the spread is that of the runs.
/// </summary>
internal static class Comparison
{
    public static void Print(IReadOnlyList<BenchmarkResults> before, IReadOnlyList<BenchmarkResults> after, TextWriter output)
    {
        output.WriteLine($"A = {before[0].Commit}, B = {after[0].Commit}, {before.Count} and {after.Count} runs");
        output.WriteLine();
        output.WriteLine("| measure | unit | A | spread | B | spread | B / A | better |");
        output.WriteLine("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |");
        foreach (var measure in before[0].Measures)
        {
            foreach (string transport in measure.Transports.Keys)
            {
                double[] a = Medians(before, measure.Name, transport);
                double[] b = Medians(after, measure.Name, transport);
                string name = measure.Transports.Count > 1 ? $"{measure.Name}, {transport}" : measure.Name;
                output.WriteLine(
                    b.Length == 0
                        ? $"| {name} | {measure.Unit} | {Cells(a)} | not measured | | | |"
                        : $"| {name} | {measure.Unit} | {Cells(a)} | {Cells(b)} | {Ratio(a, b)} | {Better(measure, a, b)} |");
            }
        }
    }

    private static double[] Medians(IReadOnlyList<BenchmarkResults> runs, string measure, string transport) =>
        [.. runs.Select(run => run.Find(measure, transport)?.Median).OfType<double>()];

    private static string Cells(double[] runs) => string.Create(
        CultureInfo.InvariantCulture, $"{Number.Of(Statistics.Median(runs))} | {Statistics.Spread(runs):0 %}");

    private static string Ratio(double[] a, double[] b) => Number.Of(Statistics.Median(b) / Statistics.Median(a));

    // Nobody, as long as some run of one is as good as some run of the other.
    private static string Better(MeasureResult measure, double[] a, double[] b) =>
        a.Min() > b.Max() ? measure.HigherIsBetter ? "A" : "B"
        : b.Min() > a.Max() ? measure.HigherIsBetter ? "B" : "A"
        : "";
}
