using System.Collections.Immutable;
using System.Text.Json;
using ZeroTier.Controller.Json;

namespace ZeroTier.Controller.Rules;

/// <summary>
/// The lists of a network in ZeroTierOne's JSON (docs/protocol/5-http-api.md 5.5.3): entries that are not rules, tags or capabilities are
/// skipped.
/// </summary>
/// <remarks>IDs and values have 32 bits, as on the wire; ZeroTierOne stores 64 and uses the lower half.</remarks>
internal static class RuleListJson
{
    // The limit of 5.5.3.
    private const int MaxEntries = 16384;

    /// <summary>Rules; null when the value is not an array.</summary>
    /// <exception cref="JsonException">The meaning of a rule is unknown, see <see cref="RuleJson.TryRead"/>.</exception>
    public static ImmutableArray<NetworkRule>? ReadRules(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var rules = ImmutableArray.CreateBuilder<NetworkRule>();
        foreach (JsonElement element in value.EnumerateArray().Take(MaxEntries))
        {
            if (RuleJson.TryRead(element, out NetworkRule rule))
            {
                rules.Add(rule);
            }
        }

        return rules.DrainToImmutable();
    }

    /// <summary>Capabilities by ascending ID, the last one of several with the same ID; null when the value is not an array.</summary>
    /// <exception cref="JsonException">The meaning of a rule is unknown, see <see cref="RuleJson.TryRead"/>.</exception>
    public static ImmutableArray<NetworkCapability>? ReadCapabilities(JsonElement value) => ReadById(
        value,
        json => new NetworkCapability(
            (uint)json.Integer("id"), json.Member("rules") is { } rules ? ReadRules(rules) ?? [] : [], json.Boolean("default")),
        capability => capability.Id);

    /// <summary>Tags by ascending ID, the last one of several with the same ID; null when the value is not an array.</summary>
    public static ImmutableArray<NetworkTag>? ReadTags(JsonElement value) => ReadById(
        value,
        json => new NetworkTag(
            (uint)json.Integer("id"),
            json.Member("default") is { ValueKind: not JsonValueKind.Null } number ? (uint)number.ToInteger() : null),
        tag => tag.Id);

    private static ImmutableArray<T>? ReadById<T>(JsonElement value, Func<JsonElement, T> read, Func<T, uint> id)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var byId = new SortedDictionary<uint, T>();
        foreach (JsonElement element in value.EnumerateArray().Take(MaxEntries).Where(element => element.ValueKind == JsonValueKind.Object))
        {
            T entry = read(element);
            byId[id(entry)] = entry;
        }

        return [.. byId.Values];
    }
}
