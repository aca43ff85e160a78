using System.Text.Json.Nodes;

namespace ZeroTier.Controller.AspNetCore.Tests;

/// <summary>A request that ZeroTierOne's controller was sent, and what it answered.</summary>
internal sealed record RecordedCase(
    string Name, string Method, string Path, string? ContentType, string? Body, int Status, JsonNode? Answer);

internal static class RecordedCases
{
    private static readonly JsonNode File = Read();

    public static string Identity => (string)File["identity"]!;

    public static IEnumerable<RecordedCase> All => File["cases"]!.AsArray().Select(c => new RecordedCase(
        (string)c!["name"]!,
        (string)c["method"]!,
        (string)c["path"]!,
        c["headers"]!.AsArray().Where(h => (string)h![0]! == "Content-Type").Select(h => (string?)h![1]).FirstOrDefault(),
        (string?)c["body"],
        (int)c["status"]!,
        c["answer"]));

    private static JsonNode Read()
    {
        using Stream stream = typeof(RecordedCases).Assembly.GetManifestResourceStream("Vectors/controller-api.json")!;
        return JsonNode.Parse(stream)!;
    }
}
