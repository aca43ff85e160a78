using System.Text.Json;

namespace ZeroTier.Controller.Tests.Rules;

/// <summary>What a real controller and the real rule compiler did with rules (<c>Vectors/rules.json</c>).</summary>
internal static class RuleVectors
{
    public static JsonElement Root { get; } = Load();

    /// <summary>The entry of a section with this name.</summary>
    public static JsonElement Find(string section, string name) => Root.GetProperty(section).EnumerateArray().Single(item => item.GetProperty("name").GetString() == name);

    /// <summary>The names in a section.</summary>
    public static IEnumerable<string> Names(string section) => Root.GetProperty(section).EnumerateArray().Select(item => item.GetProperty("name").GetString()!);

    private static JsonElement Load()
    {
        using Stream stream = typeof(RuleVectors).Assembly.GetManifestResourceStream("Vectors/rules.json")!;
        using JsonDocument document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
