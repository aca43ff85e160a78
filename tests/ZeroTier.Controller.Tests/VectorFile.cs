using System.Text.Json;

namespace ZeroTier.Controller.Tests;

/// <summary>What a real controller did, embedded from <c>Vectors/</c>.</summary>
internal static class VectorFile
{
    /// <summary>Opens a vector file.</summary>
    public static JsonElement Json(string name)
    {
        using Stream stream = typeof(VectorFile).Assembly.GetManifestResourceStream($"Vectors/{name}")
            ?? throw new FileNotFoundException($"No embedded vector file {name}.");
        using JsonDocument document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }

    /// <summary>The entry of a section with this name.</summary>
    public static JsonElement Find(this JsonElement root, string section, string name) =>
        root.GetProperty(section).EnumerateArray().Single(item => item.GetProperty("name").GetString() == name);

    /// <summary>The names in a section.</summary>
    public static IEnumerable<string> Names(this JsonElement root, string section) =>
        root.GetProperty(section).EnumerateArray().Select(item => item.GetProperty("name").GetString()!);
}
