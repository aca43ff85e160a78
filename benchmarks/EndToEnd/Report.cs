using System.Globalization;
using System.Text.Json;

namespace EndToEnd;

/// <summary>Collects values, prints the table, writes the JSON.</summary>
internal sealed class Report
{
    private readonly Dictionary<(string Measure, string Transport), double> _values = [];
    private readonly List<string> _failures = [];

    public int Failures => _failures.Count;

    /// <summary>The values of all rounds: the median counts, the others show how far it can be trusted.</summary>
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

    public void Print(IReadOnlyList<Measure> measures, TextWriter output)
    {
        output.WriteLine($"| {"measure",-26} | {"unit",-5} | {"zerotier",10} | {"sockets",10} | {"sockets+TLS",11} | {"/ sockets",9} | {"/ TLS",7} |");
        output.WriteLine($"| {new string('-', 26)} | ----- | {new string('-', 9)}: | {new string('-', 9)}: | {new string('-', 10)}: | {new string('-', 8)}: | {new string('-', 6)}: |");
        foreach (var measure in measures)
        {
            double? zeroTier = Value(measure, Transport.ZeroTier);
            double? sockets = Value(measure, Transport.Sockets);
            double? tls = Value(measure, Transport.SocketsTls);
            output.WriteLine(
                $"| {measure.Name,-26} | {measure.Unit,-5} | {Number(zeroTier),10} | {Number(sockets),10} | {Number(tls),11} | {Number(zeroTier / sockets),9} | {Number(zeroTier / tls),7} |");
        }

        output.WriteLine("Ratios are zerotier divided by the other; more is better for MB/s and 1/s, less for the rest.");
        foreach (string failure in _failures)
        {
            output.WriteLine($"FAILED {failure}");
        }
    }

    public async Task WriteJsonAsync(IReadOnlyList<Measure> measures, string file)
    {
        await using var stream = File.Create(file);
        await using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        writer.WriteStartArray();
        foreach (var measure in measures)
        {
            writer.WriteStartObject();
            writer.WriteString("name", measure.Name);
            writer.WriteString("unit", measure.Unit);
            foreach (string transport in Transport.Names)
            {
                if (Value(measure, transport) is { } value)
                {
                    writer.WriteNumber(transport, Math.Round(value, 3));
                }
                else
                {
                    writer.WriteNull(transport);
                }
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string Number(double? value) => value switch
    {
        null => "",
        >= 1000 => value.Value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
    };

    private double? Value(Measure measure, string transport) => _values.TryGetValue((measure.Name, transport), out double value) ? value : null;
}
