using System.Reflection;
using EndToEnd.Results;

namespace EndToEnd;

/// <summary>Collects the rounds of every measure, prints them as they come and as a table at the end.</summary>
internal sealed class Report(IReadOnlyList<Transport> transports)
{
    private readonly Machine _machine = Machine.Read();
    private readonly List<Measure> _measures = [];
    private readonly Dictionary<(Measure Measure, string Transport), IReadOnlyList<double>> _rounds = [];
    private readonly List<string> _failures = [];

    public int Failures => _failures.Count;

    /// <summary>Adds the values of all rounds. The result is the median; all values are printed, to show the spread.</summary>
    public void Add(Measure measure, Transport transport, IReadOnlyList<double> rounds)
    {
        Expect(measure);
        _rounds[(measure, transport.Name)] = rounds;
        string all = rounds.Count > 1 ? $"  rounds: {string.Join(' ', rounds.Select(value => Number.Of(value)))}" : "";
        Console.WriteLine($"{measure.Name,-26} {transport.Name,-12} {Number.Of(Statistics.Median(rounds)),12} {measure.Unit,-5}{all}");
    }

    public void Fail(Measure measure, Transport transport, Exception exception)
    {
        Expect(measure);
        Fail(measure.Name, transport, exception);
    }

    public void Fail(string what, Transport transport, Exception exception)
    {
        var cause = exception.GetBaseException();
        _failures.Add($"{what} on {transport.Name}: {cause.GetType().Name}: {cause.Message}");
        Console.WriteLine($"{what,-26} {transport.Name,-12} failed: {cause.Message}");
    }

    /// <summary>What was collected, in the order in which the measures ran.</summary>
    public BenchmarkResults ToResults(BenchmarkOptions options) => new(
        DateTimeOffset.UtcNow,
        Commit(),
        options.Duration.TotalSeconds,
        _machine,
        [.. _measures.Select(measure => new MeasureResult(measure.Name, measure.Unit, measure.HigherIsBetter, Of(measure)))]);

    /// <summary>Prints a column for each transport, and one for the ratio of the first transport to each other.</summary>
    public void Print(BenchmarkResults results, TextWriter output)
    {
        string[] names = [.. transports.Select(t => t.Name)];
        string[] others = names[1..];
        WriteRow(output, "measure", "unit", [.. names, .. others.Select(name => $"/ {name}")]);
        WriteRow(
            output, new string('-', 26), new string('-', 5), Enumerable.Repeat($"{new string('-', 17)}:", names.Length + others.Length));
        foreach (var measure in results.Measures)
        {
            WriteRow(
                output,
                measure.Name,
                measure.Unit,
                names.Select(name => Number.Of(measure.Transports.GetValueOrDefault(name)?.Median))
                    .Concat(others.Select(name => Number.Of(measure.Transports.GetValueOrDefault(name)?.Ratio))));
        }

        if (others.Length > 0)
        {
            output.WriteLine($"Ratios are {names[0]} divided by the other; more is better for MB/s and 1/s, less for the rest.");
        }

        foreach (string failure in _failures)
        {
            output.WriteLine($"FAILED {failure}");
        }
    }

    private static void WriteRow(TextWriter output, string measure, string unit, IEnumerable<string> cells) =>
        output.WriteLine($"| {measure,-26} | {unit,-5} |{string.Concat(cells.Select(cell => $" {cell,18} |"))}");

    // The SDK appends it to the version: 1.0.0+431b524….
    private static string? Commit()
    {
        string? version = typeof(Report).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        return version?.Split('+') is [_, var commit] ? commit : null;
    }

    private void Expect(Measure measure)
    {
        if (!_measures.Contains(measure))
        {
            _measures.Add(measure);
        }
    }

    private Dictionary<string, TransportResult> Of(Measure measure)
    {
        var results = new Dictionary<string, TransportResult>();
        double? first = _rounds.TryGetValue((measure, transports[0].Name), out var rounds) ? Statistics.Median(rounds) : null;
        foreach (string name in transports.Select(t => t.Name))
        {
            if (_rounds.TryGetValue((measure, name), out rounds))
            {
                double median = Statistics.Median(rounds);
                double? ratio = name == transports[0].Name || median == 0 ? null : first / median;
                results[name] = new TransportResult(
                    Short(median), Short(Statistics.Spread(rounds)), Short(ratio), [.. rounds.Select(value => Short(value))]);
            }
        }

        return results;
    }

    private static double Short(double value) => Math.Round(value, 3);

    private static double? Short(double? value) => value is { } number ? Short(number) : null;
}
