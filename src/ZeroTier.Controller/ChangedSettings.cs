using System.Text.Json;

namespace ZeroTier.Controller;

/// <summary>Lists the settings in which two records differ, for the audit trail. Names only, because values may be secrets.</summary>
internal static class ChangedSettings
{
    private const int MaxNames = 32;

    public static string Between(ControllerNetwork before, ControllerNetwork after) =>
        Between(ControllerJson.Write(before), ControllerJson.Write(after));

    public static string Between(ControllerMember before, ControllerMember after) =>
        Between(ControllerJson.Write(before), ControllerJson.Write(after));

    private static string Between(byte[] before, byte[] after)
    {
        using JsonDocument old = JsonDocument.Parse(before), now = JsonDocument.Parse(after);
        IEnumerable<string> names = old.RootElement
            .EnumerateObject()
            .Concat(now.RootElement.EnumerateObject())
            .Select(p => p.Name)
            .Distinct()
            .Where(name => name != "revision" && Raw(old, name) != Raw(now, name));
        return string.Join(", ", names.Take(MaxNames));
    }

    private static string? Raw(JsonDocument document, string name) =>
        document.RootElement.TryGetProperty(name, out JsonElement value) ? value.GetRawText()
            : null;
}
