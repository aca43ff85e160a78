using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;

namespace ZeroTier.Controller.Json;

/// <summary>Reads values of JSON objects leniently: a missing value, or one of a wrong type, is null.</summary>
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

    /// <summary>
    /// A time in milliseconds since 1970; null when missing or not positive. Times beyond the calendar's end are clamped.
    /// </summary>
    public static DateTimeOffset? TimeOrNull(this JsonElement element, string name) =>
        element.NumberOrNull(name) is { } number ? ToTime(number) : null;

    /// <summary>Converts milliseconds since 1970; null when not positive.</summary>
    public static DateTimeOffset? ToTime(long milliseconds) =>
        milliseconds <= 0
            ? null
            : DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    /// <summary>The elements of an array; none when the value is not an array.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
            && element.TryGetProperty(name, out JsonElement value)
            && value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray()
            : Enumerable.Empty<JsonElement>();

    /// <summary>The properties of an object; none when the value is not an object.</summary>
    public static IEnumerable<JsonProperty> Properties(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Object ? value.EnumerateObject()
            : Enumerable.Empty<JsonProperty>();

    /// <summary>The properties of an object whose names are not known.</summary>
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
