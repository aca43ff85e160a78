namespace EndToEnd.Scale;

/// <summary>One measure of <c>--scale</c>: prints a table with a row for each number of units.</summary>
internal sealed record ScaleMeasure(string Name, Func<ScaleOptions, Task> Run)
{
    public static IReadOnlyList<ScaleMeasure> All { get; } =
    [
        new("connections", ManyConnections.RunAsync),
        new("busy", ManyBusyConnections.RunAsync),
        new("networks", ManyNetworks.RunAsync),
        new("nodes", ManyNodes.RunAsync),
    ];

    /// <summary>Runs the measures that the command line names, one after the other.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        if (!ScaleOptions.TryParse(args, out var options))
        {
            Console.Error.WriteLine(BenchmarkOptions.Usage);
            return 2;
        }

        foreach (var measure in All.Where(measure => options.Measures.Contains(measure.Name)))
        {
            await measure.Run(options);
        }

        return 0;
    }
}
