using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>
/// Reads <c>ZeroTier:Listen</c>: short texts such as <c>8080</c> and objects in the form of <c>Kestrel:Endpoints</c>; as an array, as named
/// entries, or a single one.
/// </summary>
internal static class ListenSection
{
    private const string Name = nameof(ZeroTierOptions.Listen);
    private const string Port = nameof(Port);

    public static IEnumerable<ListenEntry> Read(SectionReader reader, string contentRoot)
    {
        var section = reader.Section(Name);
        if (section.Value is null && section[Port] is not null)
        {
            return ReadObject(reader, section, contentRoot) is { } only ? [only] : [];
        }

        IConfigurationSection[] children = [.. section.GetChildren().Where(child => !SectionReader.IsComment(child.Key))];
        List<ListenEntry?> entries = [.. children.Where(child => child.Value is null)
            .Select(child => ReadObject(reader, child, contentRoot))];
        foreach (string text in section.Value is null
            ? children.Select(child => child.Value?.Trim()).OfType<string>()
            : SectionReader.List(section))
        {
            if (ParseShort(text) is { } entry)
            {
                entries.Add(entry);
            }
            else
            {
                reader.Wrong(Name, text, "8080, ff1f90ffff000000.zt:8080 or 10.147.17.5:8080");
            }
        }

        return entries.OfType<ListenEntry>();
    }

    private static ListenEntry? ReadObject(SectionReader parent, IConfigurationSection section, string contentRoot)
    {
        var reader = new SectionReader(section);
        int? port = reader.Number(Port, "8080");
        string? network = reader.Text("Network");
        IPAddress? address = null;
        if (reader.Text("Address") is { } text && !IPAddress.TryParse(text, out address))
        {
            reader.Wrong("Address", text, "10.147.17.5");
        }

        var nodes = new List<NodeId>();
        var networks = new List<NetworkId>();
        AllowedSettings.Read(reader, nodes, networks);
        var kestrel = KestrelSettings.Read(reader, section, contentRoot);
        if (port is null && !reader.Has(Port))
        {
            reader.Report($"{reader.Path}:{Port} is missing. A valid example is 8080.");
        }

        var errors = reader.Errors;
        foreach (string error in errors)
        {
            parent.Report(error);
        }

        if (errors.Count > 0)
        {
            return null;
        }

        var access = new AccessList();
        access.Replace(nodes, networks);
        return new ListenEntry(network, address, port!.Value, null) { Access = access, Kestrel = kestrel };
    }

    private static ListenEntry? ParseShort(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int onlyPort))
        {
            return new ListenEntry(null, null, onlyPort, null) { Kestrel = KestrelSettings.None };
        }

        int colon = text.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port))
        {
            return null;
        }

        string host = text[..colon].TrimEnd('.');
        if (host.EndsWith(ZeroTierName.Suffix, StringComparison.OrdinalIgnoreCase))
        {
            return new ListenEntry(host[..^ZeroTierName.Suffix.Length], null, port, null) { Kestrel = KestrelSettings.None };
        }

        // "8080:80" would be read as the address 0.0.31.144.
        return host.AsSpan().ContainsAny('.', ':') && IPAddress.TryParse(host, out var address)
            ? new ListenEntry(null, address, port, null) { Kestrel = KestrelSettings.None }
            : null;
    }
}
