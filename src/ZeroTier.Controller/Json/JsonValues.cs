using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;

namespace ZeroTier.Controller.Json;

/// <summary>Values of JSON objects, read without complaint: what is missing, or of a wrong type, is null.</summary>
internal static class JsonValues
{
    public static string? TextOrNull(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static bool? TruthOrNull(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : null;

    public static long? NumberOrNull(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number)
            ? number
            : null;

    /// <summary>Milliseconds since 1970; null where there are none, or 0, or more than a calendar has.</summary>
    public static DateTimeOffset? TimeOrNull(this JsonElement element, string name) =>
        element.NumberOrNull(name) is { } number ? ToTime(number) : null;

    /// <summary>As above, of a number.</summary>
    public static DateTimeOffset? ToTime(long milliseconds) =>
        milliseconds <= 0
            ? null
            : DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    /// <summary>The entries of an array; none where it is none.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
            && element.TryGetProperty(name, out JsonElement value)
            && value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray()
            : Enumerable.Empty<JsonElement>();

    /// <summary>The entries of an object; none where it is none.</summary>
    public static IEnumerable<JsonProperty> Properties(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Object ? value.EnumerateObject()
            : Enumerable.Empty<JsonProperty>();

    /// <summary>What an object has besides the names that are known.</summary>
    public static ImmutableSortedDictionary<string, JsonElement> Rest(this JsonElement element, FrozenSet<string> known)
    {
        var rest = ImmutableSortedDictionary.CreateBuilder<string, JsonElement>(StringComparer.Ordinal);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!known.Contains(property.Name))
            {
                rest[property.Name] = property.Value.Clone();
            }
        }

        return rest.ToImmutable();
    }

    public static void WriteTime(this Utf8JsonWriter writer, string name, DateTimeOffset? time) => writer.WriteNumber(name,
        time?.ToUnixTimeMilliseconds() ?? 0);

    public static void WriteRest(this Utf8JsonWriter writer, ImmutableSortedDictionary<string, JsonElement> rest, FrozenSet<string> known)
    {
        foreach ((string name, JsonElement value) in rest)
        {
            if (!known.Contains(name))
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }
        }
    }
}
