using System.Globalization;
using System.Net;
using Kestrel.Transport.ZeroTier.Authentication;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>Binds the settings that a web app has beside those of its node, which are bound first.</summary>
internal sealed class ServerOptionsBinder : IConfigureOptions<ZeroTierOptions>
{
    public void Configure(ZeroTierOptions options)
    {
        if (options.Section is not { } reader)
        {
            return;
        }

        var health = options.Health;
        options.KeepHostUrls = reader.Flag(nameof(options.KeepHostUrls)) ?? options.KeepHostUrls;
        options.TakeAllEndpoints = reader.Flag(nameof(options.TakeAllEndpoints)) ?? options.TakeAllEndpoints;
        health.RequireDirect = reader.Flag(nameof(health.RequireDirect)) ?? health.RequireDirect;
        health.OfflineGracePeriod = reader.Duration(nameof(health.OfflineGracePeriod)) ?? health.OfflineGracePeriod;
        var errors = new List<string>();
        MembersSection.Read(reader.Section(MembersSection.Name), new Dictionary<NodeId, ZeroTierMember>(), errors);
        errors.ForEach(reader.Report);
        foreach (string text in reader.List(nameof(options.Listen)))
        {
            if (ParseListen(text) is { } entry)
            {
                options.ListenEntries.Add(entry);
            }
            else
            {
                reader.Wrong(nameof(options.Listen), text, "8080, ff1f90ffff000000.zt:8080 or 10.147.17.5:8080");
            }
        }
    }

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
}
