using System.Text.Json;
using ZeroTier.Fuzz;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>Every parser of the fuzzing project, fed seeded mutations of the vectors that it reads.</summary>
public sealed class ParserFuzzTests
{
    private const int Mutations = 5000;

    public static TheoryData<string> Names => [.. Parsers.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_parser_survives_mutations(string name)
    {
        var parse = Parsers.All[name];
        byte[][] seeds = [.. Seeds(name)];
        Assert.NotEmpty(seeds);
        var random = new SeededRandom((ulong)name.Sum(letter => letter));
        foreach (byte[] seed in seeds)
        {
            parse(seed);
        }

        for (int i = 0; i < Mutations; i++)
        {
            byte[] data = Mutation.Of(seeds[random.Next(seeds.Length)], random);
            var failure = Record.Exception(() => parse(data));
            Assert.True(failure is null, $"{name} failed on {Convert.ToHexString(data)}: {failure}");
        }
    }

    private static IEnumerable<byte[]> Seeds(string name) => name switch
    {
        "planet" => [PlanetTests.DefaultPlanet()],
        "moon" => [MoonTests.Sample()],
        "membership" => Vectors("coms", "binary"),
        "tag" => Vectors("tags", "binary"),
        "capability" => Vectors("capabilities", "binary"),
        "ownership" => Vectors("ownership", "binary"),
        "revocation" => Vectors("revocations", "binary"),
        "configuration" => Vectors("network_configs", "dictionary_hex"),
        "rules" => [.. Vectors("rule_encodings", "binary"), .. Vectors("rule_evaluation", "rules_hex")],
        "chunk" => [.. Vl2Vectors.Section("config_chunks").SelectMany(chunk => chunk.GetProperty("steps").EnumerateArray())
            .Where(step => step.TryGetProperty("payload_hex", out _)).Select(step => step.Hex("payload_hex"))],
        _ => [.. TraceTests.Packets("trace-adhoc.json")
            .Where(record => record.TryGetProperty("payload", out _))
            .Select(record => record.Hex("payload"))
            .DistinctBy(payload => payload.Length)],
    };

    private static byte[][] Vectors(string section, string property) =>
        [.. Vl2Vectors.Section(section)
            .Where(entry => entry.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String)
            .Select(entry => entry.Hex(property))];
}
