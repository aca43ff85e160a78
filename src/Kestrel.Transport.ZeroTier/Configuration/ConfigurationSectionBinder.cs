using System.Globalization;
using System.Net;
using Kestrel.Transport.ZeroTier.Authentication;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>
/// Binds the section <c>ZeroTier</c>. By hand rather than generated: a text that does not parse becomes a message with the setting, the value and an
/// example, reported together with everything else that is wrong.
/// </summary>
internal sealed class ConfigurationSectionBinder(IServiceProvider services) : IConfigureOptions<ZeroTierOptions>
{
    private static readonly string[] Settings =
    [
        nameof(ZeroTierTransportOptions.Backlog), "DevelopmentNetwork", "DevelopmentNetworkPath", nameof(ZeroTierOptions.Enabled), nameof(ZeroTierOptions.Engine),
        nameof(ZeroTierOptions.IdentitySecret), nameof(ZeroTierTransportOptions.IOQueueCount),
        nameof(ZeroTierOptions.KeepHostUrls), nameof(ZeroTierOptions.LibztPath), "Listen", nameof(ZeroTierTransportOptions.MaxReadBufferSize),
        nameof(ZeroTierTransportOptions.MaxTotalBufferSize), nameof(ZeroTierTransportOptions.MaxWriteBufferSize), MembersSection.Name, nameof(ZeroTierOptions.Networks),
        nameof(ZeroTierHealthOptions.OfflineGracePeriod),
        nameof(ZeroTierOptions.PlanetPath), nameof(ZeroTierOptions.Port), nameof(ZeroTierOptions.PublicRoots), nameof(ZeroTierHealthOptions.RequireDirect),
        nameof(ZeroTierOptions.RequireReadyWithin),
        nameof(ZeroTierOptions.StoragePath), nameof(ZeroTierOptions.TakeAllEndpoints), nameof(ZeroTierTransportOptions.UnsafePreferInlineScheduling),
    ];

    public void Configure(ZeroTierOptions options)
    {
        if (services.GetService<IConfiguration>() is not { } configuration)
        {
            return;
        }

        var section = configuration.GetSection(ZeroTierOptions.SectionName);
        var reader = new Reader(section, options.ConfigurationErrors);
        foreach (string network in List(section.GetSection(nameof(options.Networks))))
        {
            options.Networks.Add(network);
        }

        MembersSection.Read(section.GetSection(MembersSection.Name), new Dictionary<NodeId, ZeroTierMember>(), options.ConfigurationErrors);
        options.MisspeltSection = configuration.GetChildren().FirstOrDefault(IsNearlyOurs)?.Key;
        options.Enabled = reader.Flag(nameof(options.Enabled)) ?? options.Enabled;
        options.PublicRoots = reader.Flag(nameof(options.PublicRoots)) ?? options.PublicRoots;
        options.StoragePath = reader.Text(nameof(options.StoragePath)) ?? options.StoragePath;
        options.IdentitySecret = reader.Text(nameof(options.IdentitySecret)) ?? options.IdentitySecret;
        options.PlanetPath = reader.Text(nameof(options.PlanetPath)) ?? options.PlanetPath;
        options.Port = reader.Number(nameof(options.Port), "9993") ?? options.Port;
        options.Engine = reader.Engine(nameof(options.Engine)) ?? options.Engine;
        options.LibztPath = reader.Text(nameof(options.LibztPath)) ?? options.LibztPath;
        options.KeepHostUrls = reader.Flag(nameof(options.KeepHostUrls)) ?? options.KeepHostUrls;
        options.TakeAllEndpoints = reader.Flag(nameof(options.TakeAllEndpoints)) ?? options.TakeAllEndpoints;
        options.RequireReadyWithin = reader.Duration(nameof(options.RequireReadyWithin)) ?? options.RequireReadyWithin;
        var (transport, health) = (options.Transport, options.Health);
        health.RequireDirect = reader.Flag(nameof(health.RequireDirect)) ?? health.RequireDirect;
        health.OfflineGracePeriod = reader.Duration(nameof(health.OfflineGracePeriod)) ?? health.OfflineGracePeriod;
        transport.MaxReadBufferSize = reader.LongNumber(nameof(transport.MaxReadBufferSize), "1048576") ?? transport.MaxReadBufferSize;
        transport.MaxWriteBufferSize = reader.LongNumber(nameof(transport.MaxWriteBufferSize), "65536") ?? transport.MaxWriteBufferSize;
        transport.MaxTotalBufferSize = reader.LongNumber(nameof(transport.MaxTotalBufferSize), "268435456") ?? transport.MaxTotalBufferSize;
        transport.Backlog = reader.Number(nameof(transport.Backlog), "512") ?? transport.Backlog;
        transport.IOQueueCount = reader.Number(nameof(transport.IOQueueCount), "4") ?? transport.IOQueueCount;
        transport.UnsafePreferInlineScheduling = reader.Flag(nameof(transport.UnsafePreferInlineScheduling)) ?? transport.UnsafePreferInlineScheduling;
        bool? development = reader.Flag("DevelopmentNetwork");
        options.DevelopmentNetworkRefused = development == false;
        if (development != false && reader.Text("DevelopmentNetworkPath") is { } folder)
        {
            options.UseDevelopmentNetwork(folder);
        }
        else if (development == true)
        {
            options.UseDevelopmentNetwork();
        }

        foreach (var child in section.GetChildren().Where(child => !IsComment(child.Key) && !Settings.Contains(child.Key, StringComparer.OrdinalIgnoreCase)))
        {
            // A misspelt PlanetPath would mean the public roots.
            options.ConfigurationErrors.Add($"{child.Path} is not a setting. The settings of {ZeroTierOptions.SectionName} are {string.Join(", ", Settings)}.");
        }

        foreach (string text in List(section.GetSection("Listen")))
        {
            if (ParseListen(text) is { } entry)
            {
                options.ListenEntries.Add(entry);
            }
            else
            {
                reader.Wrong("Listen", text, "8080, ff1f90ffff000000.zt:8080 or 10.147.17.5:8080");
            }
        }
    }

    /// <summary>
    /// A section, not a single variable of the environment, whose name has the letters of ours but for one that is missing, added or wrong, or two that are
    /// swapped.
    /// </summary>
    private static bool IsNearlyOurs(IConfigurationSection section)
    {
        string name = section.Key.ToUpperInvariant();
        string ours = ZeroTierOptions.SectionName.ToUpperInvariant();
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

    /// <summary>Keys that people and editors use for notes in JSON: <c>//</c>, <c>_comment</c>, <c>$schema</c>.</summary>
    /// <summary>Whether a key is for people or tools: <c>//</c>, <c>_comment</c>, <c>$schema</c>.</summary>
    public static bool IsComment(string key) => key.StartsWith("//", StringComparison.Ordinal) || key[0] is '_' or '$';

    private static ListenEntry? ParseListen(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int onlyPort))
        {
            return new ListenEntry(null, null, onlyPort, null);
        }

        int colon = text.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port))
        {
            return null;
        }

        string host = text[..colon].TrimEnd('.');
        if (host.EndsWith(ZeroTierName.Suffix, StringComparison.OrdinalIgnoreCase))
        {
            return new ListenEntry(host[..^ZeroTierName.Suffix.Length], null, port, null);
        }

        // "8080:80" would be read as the address 0.0.31.144.
        return host.AsSpan().ContainsAny('.', ':') && IPAddress.TryParse(host, out var address) ? new ListenEntry(null, address, port, null) : null;
    }

    /// <summary>A list of texts, or one text with commas, which is what an environment variable can hold.</summary>
    public static IEnumerable<string> List(IConfigurationSection section) =>
        section.Value is { } text
            ? text.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : section.GetChildren().Select(child => child.Value?.Trim() ?? "");

    /// <summary>Reads single values and collects what is wrong with them.</summary>
    private readonly struct Reader(IConfigurationSection section, IList<string> errors)
    {
        public string? Text(string key) => section[key] is { } text && text.Trim() is { Length: > 0 } trimmed ? trimmed : null;

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
            errors.Add($"{ZeroTierOptions.SectionName}:{key} is '{value}', which is not understood. A valid example is {example}.");
    }
}
