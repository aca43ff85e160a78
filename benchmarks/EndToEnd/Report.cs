using System.Globalization;
using System.Text.Json;

namespace EndToEnd;

/// <summary>Collects the results, prints them as a table, and writes them as JSON.</summary>
internal sealed class Report
{
    private readonly Dictionary<(string Measure, string Transport), double> _values = [];
    private readonly List<string> _failures = [];

    public int Failures => _failures.Count;

    /// <summary>Adds the values of all rounds. The result is the median; all values are printed, to show the spread.</summary>
    public void Add(Measure measure, Transport transport, IReadOnlyList<double> rounds)
    {
        double[] sorted = [.. rounds.Order()];
        double median = sorted[sorted.Length / 2];
        _values[(measure.Name, transport.Name)] = median;
        string spread = sorted.Length > 1 ? $"  rounds: {string.Join(' ', rounds.Select(value => Number(value)))}" : "";
        Console.WriteLine($"{measure.Name,-26} {transport.Name,-12} {Number(median),12} {measure.Unit,-5}{spread}");
    }

    public void Fail(string measure, Transport transport, Exception exception)
    {
        var cause = exception.GetBaseException();
        _failures.Add($"{measure} on {transport.Name}: {cause.GetType().Name}: {cause.Message}");
        Console.WriteLine($"{measure,-32} {transport.Name,-12} failed: {cause.Message}");
    }

    /// <summary>Prints a column for each transport, and one for the ratio of the first transport to each other.</summary>
    public void Print(IReadOnlyList<Measure> measures, IReadOnlyList<Transport> transports, TextWriter output)
    {
        var others = transports.Skip(1).ToList();
        WriteRow(output, "measure", "unit", [.. transports.Select(t => t.Name), .. others.Select(t => $"/ {t.Name}")]);
        WriteRow(
            output, new string('-', 26), new string('-', 5), Enumerable.Repeat($"{new string('-', 17)}:", transports.Count + others.Count));
        foreach (var measure in measures)
        {
            double? first = Value(measure, transports[0]);
            WriteRow(
                output,
                measure.Name,
                measure.Unit,
                transports.Select(t => Value(measure, t)).Concat(others.Select(t => first / Value(measure, t))).Select(Number));
        }

        if (others.Count > 0)
        {
            output.WriteLine($"Ratios are {transports[0].Name} divided by the other; more is better for MB/s and 1/s, less for the rest.");
        }

        foreach (string failure in _failures)
        {
            output.WriteLine($"FAILED {failure}");
        }
    }

    public async Task WriteJsonAsync(IReadOnlyList<Measure> measures, IReadOnlyList<Transport> transports, string file)
    {
        await using var stream = File.Create(file);
        await using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        writer.WriteStartArray();
        foreach (var measure in measures)
        {
            writer.WriteStartObject();
            writer.WriteString("name", measure.Name);
            writer.WriteString("unit", measure.Unit);
            foreach (var transport in transports)
            {
                if (Value(measure, transport) is { } value)
                {
                    writer.WriteNumber(transport.Name, Math.Round(value, 3));
                }
                else
                {
                    writer.WriteNull(transport.Name);
                }
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteRow(TextWriter output, string measure, string unit, IEnumerable<string> cells) =>
        output.WriteLine($"| {measure,-26} | {unit,-5} |{string.Concat(cells.Select(cell => $" {cell,18} |"))}");

    private static string Number(double? value) => value switch
    {
        null => "",
        >= 1000 => value.Value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
    };

    private double? Value(Measure measure, Transport transport) =>
        _values.TryGetValue((measure.Name, transport.Name), out double value) ? value : null;
}
