using System.Collections.Immutable;
using System.Text.Json;

namespace ZeroTier.Controller.Rules;

/// <summary>The lists of a network in ZeroTierOne's JSON (docs/protocol/5-http-api.md 5.5.3).</summary>
internal static class RuleListJson
{
    public static ImmutableArray<NetworkRule>? ReadRules(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(_ => NetworkRule.Accept)] : null;

    public static ImmutableArray<NetworkCapability>? ReadCapabilities(JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select(c => new NetworkCapability(
            c.GetProperty("id").GetUInt32(), ReadRules(c.GetProperty("rules")) ?? [], c.GetProperty("default").GetBoolean()))]
        : null;

    public static ImmutableArray<NetworkTag>? ReadTags(JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select(t => new NetworkTag(
            t.GetProperty("id").GetUInt32(), t.GetProperty("default").ValueKind == JsonValueKind.Null ? null : t.GetProperty("default").GetUInt32()))]
        : null;
}
