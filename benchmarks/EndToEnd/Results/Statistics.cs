namespace EndToEnd.Results;

/// <summary>What several rounds of one measure say together.</summary>
internal static class Statistics
{
    /// <summary>The value in the middle, or between the two in the middle.</summary>
    public static double Median(IReadOnlyCollection<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The largest value less the smallest, divided by the median; null where that is 0.</summary>
    public static double? Spread(IReadOnlyCollection<double> values) =>
        Median(values) is var median && median == 0 ? null : (values.Max() - values.Min()) / Math.Abs(median);
}
