using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZeroTier.Controller.Json;

namespace ZeroTier.Controller.Rules;

/// <summary>
/// A rule in the JSON of ZeroTierOne's controller. An unknown type is an error here and not skipped, since a rule set without one of its
/// rules has another meaning.
/// </summary>
internal sealed class NetworkRuleJsonConverter : JsonConverter<NetworkRule>
{
    public override NetworkRule Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Read(JsonElement.ParseValue(ref reader));

    public override void Write(Utf8JsonWriter writer, NetworkRule value, JsonSerializerOptions options) => RuleJson.Write(writer, value);

    internal static NetworkRule Read(JsonElement element) => RuleJson.TryRead(element, out NetworkRule rule)
        ? rule
        : throw new JsonException(
            "This is no rule: expected an object whose \"type\" is a rule's, for example {\"type\":\"ACTION_ACCEPT\"}.");
}

/// <summary>A capability in the JSON of ZeroTierOne's controller.</summary>
internal sealed class NetworkCapabilityJsonConverter : JsonConverter<NetworkCapability>
{
    public override NetworkCapability Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        JsonElement json = JsonElement.ParseValue(ref reader);
        if (json.Member("id") is not { ValueKind: JsonValueKind.Number } number || !number.TryGetUInt32(out uint id))
        {
            throw new JsonException("A capability must be an object with an \"id\" from 0 to 4294967295.");
        }

        ImmutableArray<NetworkRule> rules = json.Member("rules") is { ValueKind: JsonValueKind.Array } list
            ? [.. list.EnumerateArray().Select(NetworkRuleJsonConverter.Read)]
            : [];
        return new NetworkCapability(id, rules, json.Boolean("default"));
    }

    public override void Write(Utf8JsonWriter writer, NetworkCapability value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("default", value.IsDefault);
        writer.WriteNumber("id", value.Id);
        writer.WriteStartArray("rules");
        foreach (NetworkRule rule in value.Rules)
        {
            RuleJson.Write(writer, rule);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}

/// <summary>A tag in the JSON of ZeroTierOne's controller.</summary>
internal sealed class NetworkTagJsonConverter : JsonConverter<NetworkTag>
{
    public override NetworkTag Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        JsonElement json = JsonElement.ParseValue(ref reader);
        if (json.Member("id") is not { ValueKind: JsonValueKind.Number } number || !number.TryGetUInt32(out uint id))
        {
            throw new JsonException("A tag must be an object with an \"id\" from 0 to 4294967295.");
        }

        return json.Member("default") switch
        {
            null or { ValueKind: JsonValueKind.Null } => new NetworkTag(id),
            { ValueKind: JsonValueKind.Number } value when value.TryGetUInt32(out uint initial) => new NetworkTag(id, initial),
            _ => throw new JsonException("The \"default\" of a tag must be null or a number from 0 to 4294967295."),
        };
    }

    public override void Write(Utf8JsonWriter writer, NetworkTag value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        if (value.Default is { } initial)
        {
            writer.WriteNumber("default", initial);
        }
        else
        {
            writer.WriteNull("default");
        }

        writer.WriteNumber("id", value.Id);
        writer.WriteEndObject();
    }
}
