using System.Text.Json;

namespace ZeroTier.Controller.Rules;

/// <summary>A rule in the JSON of ZeroTierOne's controller.</summary>
internal static class RuleJson
{
    public static void Write(Utf8JsonWriter json, NetworkRule rule)
    {
        json.WriteStartObject();
        json.WriteString("type", rule.Entry.IsAction ? "ACTION_ACCEPT" : "");
        json.WriteBoolean("not", false);
        json.WriteBoolean("or", false);
        json.WriteEndObject();
    }
}
