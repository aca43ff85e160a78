using System.Text.Json;

namespace ZeroTier.Managed.Tests.Crypto;

/// <summary>The sections of <c>crypto.json</c>.</summary>
internal static class CryptoVectors
{
    public static IEnumerable<JsonElement> Section(string name) => VectorFile.Json("crypto.json").GetProperty(name).EnumerateArray();

    public static JsonElement Root(string name) => VectorFile.Json("crypto.json").GetProperty(name);

    public static string Text(this JsonElement element, string property) => element.GetProperty(property).GetString()!;

    public static int Number(this JsonElement element, string property) => element.GetProperty(property).GetInt32();

    public static bool Flag(this JsonElement element, string property) => element.GetProperty(property).GetBoolean();

    /// <summary>Applies the <c>edits</c> of a tampered or tolerated entry.</summary>
    public static byte[] Edited(this JsonElement element, byte[] packet)
    {
        byte[] result = [.. packet];
        foreach (JsonElement edit in element.GetProperty("edits").EnumerateArray())
        {
            result[edit.Number("offset")] ^= (byte)edit.Number("xor");
        }

        return result;
    }
}
