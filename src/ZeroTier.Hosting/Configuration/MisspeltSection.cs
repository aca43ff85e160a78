using Microsoft.Extensions.Configuration;

namespace ZeroTier.Hosting.Configuration;

/// <summary>Finds a configuration section whose name looks like a misspelling of <c>ZeroTier</c>.</summary>
internal static class MisspeltSection
{
    public static string? Find(IConfiguration configuration) => configuration.GetChildren().FirstOrDefault(IsNearlyOurs)?.Key;

    /// <summary>
    /// True for a section with children (not a single environment variable) whose name differs from ours by one letter that is missing,
    /// added or wrong, or by two adjacent letters that are swapped.
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
