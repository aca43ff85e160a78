using System.Text.Json;
using System.Text.Json.Serialization;

namespace EndToEnd.Results;

/// <summary>What one run gave, as a file of <c>benchmarks/results</c> keeps it.</summary>
/// <param name="Taken">When it ended.</param>
/// <param name="Commit">What was built, as the compiler noted it; changes that were not committed are not told.</param>
/// <param name="Seconds">Duration of each timed measure.</param>
/// <param name="Machine">Where it ran.</param>
/// <param name="Measures">In the order of the table.</param>
internal sealed record BenchmarkResults(
    DateTimeOffset Taken, string? Commit, double Seconds, Machine Machine, IReadOnlyList<MeasureResult> Measures)
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It holds something else.</exception>
    public static BenchmarkResults Load(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), ResultsJson.Default.BenchmarkResults)
                ?? throw new JsonException("it is null.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{file} does not hold what --json FILE writes: {exception.Message}", exception);
        }
    }

    public void Save(string file) =>
        File.WriteAllBytes(file, [.. JsonSerializer.SerializeToUtf8Bytes(this, ResultsJson.Default.BenchmarkResults), (byte)'\n']);

    /// <summary>What a measure gave on a transport; null where it was not run, or failed.</summary>
    public TransportResult? Find(string measure, string transport) =>
        Measures.FirstOrDefault(m => m.Name == measure)?.Transports.GetValueOrDefault(transport);
}

/// <summary>One measure on all transports.</summary>
/// <param name="Name">As <c>--measures</c> has it.</param>
/// <param name="Unit">That of all values.</param>
/// <param name="HigherIsBetter">False for times, costs and sizes.</param>
/// <param name="Transports">By the transport's name.</param>
internal sealed record MeasureResult(
    string Name, string Unit, bool HigherIsBetter, IReadOnlyDictionary<string, TransportResult> Transports);

/// <summary>One measure on one transport.</summary>
/// <param name="Median">Of all rounds: what counts.</param>
/// <param name="Spread">The largest round less the smallest, divided by the median: how far the median can be trusted.
/// Null for a median of 0.</param>
/// <param name="Ratio">The median of the first transport divided by this one; null for the first itself.</param>
/// <param name="Rounds">In the order in which they ran.</param>
internal sealed record TransportResult(double Median, double? Spread, double? Ratio, IReadOnlyList<double> Rounds);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BenchmarkResults))]
internal sealed partial class ResultsJson : JsonSerializerContext;
