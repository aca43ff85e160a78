using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace ZeroTier.Hosting.Configuration;

/// <summary>
/// Reads the settings of the section <c>ZeroTier</c>, or of an object in it, and collects errors. Used instead of the generated
/// configuration binder, so that a value that does not parse becomes an error with the setting, the value and an example, reported together
/// with all other errors.
/// </summary>
internal sealed class SectionReader(IConfigurationSection section)
{
    private readonly Dictionary<string, string> _texts = section.GetChildren().Where(child => !IsComment(child.Key)).ToDictionary(
        child => child.Key,
        child => string.Join('\n', child.AsEnumerable().Select(setting => $"{setting.Key}={setting.Value}")),
        StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _errors = [];
    private readonly SortedSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Values that could not be parsed, with the remedy, and unknown settings; complete once every setting has been read. Unknown settings
    /// are errors, because for example a misspelt PlanetPath would silently mean the public roots.
    /// </summary>
    public IReadOnlyList<string> Errors =>
    [
        .. section.GetChildren().Where(child => !IsComment(child.Key) && !_known.Contains(child.Key)).Select(child =>
            $"{child.Path} is not a setting. The settings of {section.Path} are {string.Join(", ", _known)}."),
        .. _errors,
    ];

    /// <summary>The path of the section in the configuration, for messages.</summary>
    public string Path => section.Path;

    public string? Text(string key)
    {
        _known.Add(key);
        return section[key]?.Trim() is { Length: > 0 } text ? text : null;
    }

    /// <summary>
    /// Reads a list from an array or from one text separated by commas or semicolons, which fits into an environment variable.
    /// </summary>
    public static IEnumerable<string> List(IConfigurationSection list) =>
        list.Value is { } text
            ? text.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : list.GetChildren().Select(child => child.Value?.Trim() ?? "");

    /// <summary>The names of the settings that differ between two states of the section.</summary>
    public static IReadOnlySet<string> Differences(SectionReader? one, SectionReader? other)
    {
        var (before, now) = (one?._texts ?? [], other?._texts ?? []);
        return new SortedSet<string>(
            before.Keys.Union(now.Keys).Where(key => before.GetValueOrDefault(key) != now.GetValueOrDefault(key)),
            StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>True for keys that people and editors use for comments in JSON: <c>//</c>, <c>_comment</c>, <c>$schema</c>.</summary>
    public static bool IsComment(string key) => key.StartsWith("//", StringComparison.Ordinal) || key[0] is '_' or '$';

    public IEnumerable<string> List(string key) => List(Section(key));

    /// <summary>A setting that is a section of its own, which the caller reads; it passes errors to <see cref="Report"/>.</summary>
    public IConfigurationSection Section(string key)
    {
        _known.Add(key);
        return section.GetSection(key);
    }

    /// <summary>Whether the setting is present, even as an empty list.</summary>
    public bool Has(string key) => section.GetChildren().Any(child => string.Equals(child.Key, key, StringComparison.OrdinalIgnoreCase));

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

        // TimeSpan.TryParse would read a plain number as days.
        if (text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value))
        {
            return value;
        }

        Wrong(key, text, "00:00:30");
        return null;
    }

    public T? Enum<T>(string key, string example)
        where T : struct, Enum
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        // Enum.TryParse would also accept any number.
        if (char.IsLetter(text[0]) && System.Enum.TryParse(text, ignoreCase: true, out T value))
        {
            return value;
        }

        Wrong(key, text, example);
        return null;
    }

    public void Wrong(string key, string value, string example) =>
        Report($"{section.Path}:{key} is '{value}', which is not understood. A valid example is {example}.");
}
