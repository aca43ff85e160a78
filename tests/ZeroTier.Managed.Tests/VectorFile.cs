using System.Text.Json;
using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Tests;

/// <summary>Data made by real ZeroTier nodes, embedded from <c>Vectors/</c>.</summary>
internal static class VectorFile
{
    /// <summary>Opens a JSON vector file, for example <c>crypto.json</c>. Parsed once per process.</summary>
    public static JsonElement Json(string name)
    {
        lock (Cache)
        {
            if (!Cache.TryGetValue(name, out var root))
            {
                using var stream = typeof(VectorFile).Assembly.GetManifestResourceStream($"Vectors/{name}")
                    ?? throw new FileNotFoundException($"No embedded vector file {name}.");
                using var document = JsonDocument.Parse(stream);
                root = document.RootElement.Clone();
                Cache.Add(name, root);
            }

            return root;
        }
    }

    private static readonly Dictionary<string, JsonElement> Cache = [];

    /// <summary>The identities of one recorded run, with their private keys, by role.</summary>
    public static Dictionary<string, NodeIdentity> Identities(string name) =>
        Json(name).GetProperty("identities").EnumerateObject().ToDictionary(
            entry => entry.Name,
            entry => NodeIdentity.Parse(
                (entry.Value.ValueKind == JsonValueKind.String ? entry.Value : entry.Value.GetProperty("secret")).GetString()!));

    /// <summary>A hexadecimal string property as bytes.</summary>
    public static byte[] Hex(this JsonElement element, string property) =>
        Convert.FromHexString(element.GetProperty(property).GetString()!);
}
