using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace ZeroTier.Hosting.Configuration;

/// <summary>
/// Reads the settings of the section <c>ZeroTier</c>, and collects what is wrong with them. By hand rather than generated: a text that does not parse becomes a
/// message with the setting, the value and an example, reported together with everything else that is wrong.
/// </summary>
internal sealed class SectionReader(IConfiguration configuration)
{
    private readonly IConfigurationSection _section = configuration.GetSection(ZeroTierNodeOptions.SectionName);
    private readonly List<string> _errors = [];
    private readonly SortedSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What could not be understood, with the remedy; and, once every setting has been asked for, what is no setting. A misspelt PlanetPath would mean the public roots.</summary>
    public IReadOnlyList<string> Errors =>
    [
        .. _section.GetChildren().Where(child => !IsComment(child.Key) && !_known.Contains(child.Key)).Select(child =>
            $"{child.Path} is not a setting. The settings of {ZeroTierNodeOptions.SectionName} are {string.Join(", ", _known)}."),
        .. _errors,
    ];

    /// <summary>A section of the configuration whose name is nearly that of ours, which nothing reads.</summary>
    public string? MisspeltSection => configuration.GetChildren().FirstOrDefault(IsNearlyOurs)?.Key;

    public string? Text(string key)
    {
        _known.Add(key);
        return _section[key]?.Trim() is { Length: > 0 } text ? text : null;
    }

    /// <summary>A list of texts, or one text with commas, which is what an environment variable can hold.</summary>
    public static IEnumerable<string> List(IConfigurationSection section) =>
        section.Value is { } text
            ? text.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : section.GetChildren().Select(child => child.Value?.Trim() ?? "");

    /// <summary>Keys that people and editors use for notes in JSON: <c>//</c>, <c>_comment</c>, <c>$schema</c>.</summary>
    public static bool IsComment(string key) => key.StartsWith("//", StringComparison.Ordinal) || key[0] is '_' or '$';

    public IEnumerable<string> List(string key) => List(Section(key));

    /// <summary>A setting that is a section of its own, which the caller reads; <see cref="Report"/> takes what is wrong in it.</summary>
    public IConfigurationSection Section(string key)
    {
        _known.Add(key);
        return _section.GetSection(key);
    }

    /// <summary>Adds an error.</summary>
    public void Report(string error) => _errors.Add(error);

    public int? Number(string key, string example)
    {
        if (LongNumber(key, example) is not { } value)
        {
            return null;
        }

        if (value is >= int.MinValue and <= int.MaxValue)
        {
            return (int)value;
        }

        Wrong(key, Text(key)!, example);
        return null;
    }

    public long? LongNumber(string key, string example)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value))
        {
            return value;
        }

        Wrong(key, text, example);
        return null;
    }

    public bool? Flag(string key)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (bool.TryParse(text, out bool value))
        {
            return value;
        }

        Wrong(key, text, "true");
        return null;
    }

    public TimeSpan? Duration(string key)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        // A number alone would be parsed as days.
        if (text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value))
        {
            return value;
        }

        Wrong(key, text, "00:00:30");
        return null;
    }

    public ZeroTierEngine? Engine(string key)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        // Enum.TryParse would also take any number.
        if (char.IsLetter(text[0]) && Enum.TryParse(text, ignoreCase: true, out ZeroTierEngine value))
        {
            return value;
        }

        Wrong(key, text, "Managed");
        return null;
    }

    public void Wrong(string key, string value, string example) =>
        Report($"{ZeroTierNodeOptions.SectionName}:{key} is '{value}', which is not understood. A valid example is {example}.");

    /// <summary>
    /// A section, not a single variable of the environment, whose name has the letters of ours but for one that is missing, added or wrong, or two that are
    /// swapped.
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
            || (rest.Length > 1 && rightRest.Length > 1 && rest[0] == rightRest[1] && rest[1] == rightRest[0] && rest[2..] == rightRest[2..]);
    }
}
