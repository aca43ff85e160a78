using System.Text.Json;
using ZeroTier.Controller.Json;

namespace ZeroTier.Controller.Import;

/// <summary>Finds the parts of the JSON that are missing in the record read from it.</summary>
internal static class ImportLosses
{
    public static IEnumerable<string> Of(JsonElement json, ControllerNetwork network)
    {
        foreach ((string name, int kept) in new[]
        {
            ("rules", network.Rules.Length),
            ("routes", network.Routes.Length),
            ("ipAssignmentPools", network.AddressPools.Length),
            ("capabilities", network.Capabilities.Length),
            ("tags", network.Tags.Length),
        })
        {
            if (Missing(json, name, kept) is { } loss)
            {
                yield return loss;
            }
        }

        int rules = json.Items("capabilities").Sum(c => c.Items("rules").Count());
        if (rules > network.Capabilities.Sum(c => c.Rules.Length))
        {
            yield return "rules of capabilities could not be read and are missing.";
        }

        if (json.NumberOrNull("mtu") is { } mtu && mtu != network.Mtu)
        {
            yield return $"mtu {mtu} became {network.Mtu}.";
        }

        foreach (string name in new[] { "private", "enableBroadcast", "ssoEnabled" })
        {
            if (json.TryGetProperty(name, out JsonElement value) && value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            {
                yield return $"\"{name}\" is neither true nor false; the network has the default.";
            }
        }
    }

    public static IEnumerable<string> Of(JsonElement json, ControllerMember member)
    {
        foreach ((string name, int kept) in new[]
        {
            ("ipAssignments", member.Addresses.Length),
            ("tags", member.Tags.Count),
            ("capabilities", member.Capabilities.Count),
        })
        {
            if (Missing(json, name, kept) is { } loss)
            {
                yield return loss;
            }
        }

        if (json.TryGetProperty("authorized", out JsonElement authorized)
            && authorized.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            yield return "\"authorized\" is neither true nor false; the member is not authorised.";
        }
    }

    private static string? Missing(JsonElement json, string name, int kept) => json.Items(name).Count() is var given && given > kept
        ? $"{given - kept} of {given} entries of \"{name}\" could not be read, or stand there twice, and are missing."
        : null;
}
