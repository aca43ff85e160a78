using System.Text.Json;

namespace ZeroTier.Controller.Tests.Rules;

/// <summary>What a real controller and the real rule compiler did with rules.</summary>
internal static class RuleVectors
{
    public static JsonElement Root { get; } = VectorFile.Json("rules.json");

    public static JsonElement Find(string section, string name) => Root.Find(section, name);

    public static IEnumerable<string> Names(string section) => Root.Names(section);
}
