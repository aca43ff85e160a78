using System.Collections.Concurrent;
using System.Text.Json;

namespace ZeroTier.Managed.Tests.Node;

/// <summary>Identities from the vector files: finding new ones would cost a proof of work each.</summary>
internal static class TestIdentities
{
    private static readonly string[] Secrets = [.. Read().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    public static int Count => Secrets.Length;

    /// <summary>A fresh object each time, because a node's owner disposes of it.</summary>
    public static NodeIdentity Get(int index) => NodeIdentity.Parse(Secrets[index]);

    private static IEnumerable<string> Read()
    {
        foreach (string file in new[] { "crypto.json", "vl2.json", "trace-adhoc.json", "trace-relay.json", "vl1-exchanges.json" })
        {
            foreach (string text in Strings(VectorFile.Json(file).GetProperty("identities")))
            {
                if (NodeIdentity.TryParse(text, out var identity) && identity is { HasSecret: true, Address.IsReserved: false })
                {
                    yield return text;
                }
            }
        }
    }

    private static IEnumerable<string> Strings(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => [element.GetString()!],
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => Strings(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Strings),
        _ => [],
    };
}
