using System.Globalization;
using System.Reflection;
using System.Text.Json;
using SharpFuzz;
using ZeroTier.Fuzz;

// Coverage-guided fuzzing of the parsers; how to run it is in CONTRIBUTING.md.
switch (args)
{
    case ["seeds", var folder]:
        Directory.CreateDirectory(folder);
        foreach (var (number, seed) in Seeds().Index())
        {
            File.WriteAllBytes(Path.Combine(folder, number.ToString("d5", CultureInfo.InvariantCulture)), seed);
        }

        return 0;
    case [var name, var file] when Parsers.All.TryGetValue(name, out var parse):
        parse(File.ReadAllBytes(file));
        return 0;
    case [var name] when Parsers.All.TryGetValue(name, out var parse):
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var data = new MemoryStream();
            stream.CopyTo(data);
            parse(data.ToArray());
        });
        return 0;
    default:
        Console.Error.WriteLine($"Fuzz seeds FOLDER | PARSER [FILE], with PARSER one of {string.Join(", ", Parsers.All.Keys)}");
        return 2;
}

// Every hexadecimal text of the vectors is somebody's input.
static IEnumerable<byte[]> Seeds()
{
    var assembly = Assembly.GetExecutingAssembly();
    foreach (string name in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".json", StringComparison.Ordinal)))
    {
        using var document = JsonDocument.Parse(assembly.GetManifestResourceStream(name)!);
        foreach (string text in Texts(document.RootElement).Distinct())
        {
            if (text.Length is > 8 and < 20_000 && text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit))
            {
                yield return Convert.FromHexString(text);
            }
        }
    }
}

static IEnumerable<string> Texts(JsonElement element) => element.ValueKind switch
{
    JsonValueKind.Object => element.EnumerateObject().SelectMany(property => Texts(property.Value)),
    JsonValueKind.Array => element.EnumerateArray().SelectMany(Texts),
    JsonValueKind.String => [element.GetString()!],
    _ => [],
};
