using Microsoft.Extensions.Configuration;

namespace ZeroTier.Hosting.Configuration;

/// <summary>Finds a section of the configuration whose name is nearly <c>ZeroTier</c>, which nothing reads.</summary>
internal static class MisspeltSection
{
    public static string? Find(IConfiguration configuration) => configuration.GetChildren().FirstOrDefault(IsNearlyOurs)?.Key;

    /// <summary>
    /// A section, not a single variable of the environment, whose name has the letters of ours but for one that is missing, added or wrong,
    /// or two that are swapped.
    /// </summary>
    private static bool IsNearlyOurs(IConfigurationSection section)
    {
        string name = section.Key.ToUpperInvariant();
        string ours = ZeroTierNodeOptions.SectionName.ToUpperInvariant();
        if (name == ours || !section.GetChildren().Any())
        {
            return false;
        }

        int same = name.Zip(ours).TakeWhile(pair => pair.First == pair.Second).Count();
        var (rest, rightRest) = (name[same..], ours[same..]);
        return (rest.Length > 0 && rest[1..] == rightRest && char.IsLetter(rest[0]))
            || (rightRest.Length > 0 && rest == rightRest[1..])
            || (rest.Length > 0 && rightRest.Length > 0 && rest[1..] == rightRest[1..])
            || (rest.Length > 1
                && rightRest.Length > 1
                && rest[0] == rightRest[1]
                && rest[1] == rightRest[0]
                && rest[2..] == rightRest[2..]);
    }
}
