using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>Endpoints that are refused, and why.</summary>
internal static class EndpointRules
{
    /// <summary>A URL can only name the host's own addresses: any unknown name means all of them (rule 4.8).</summary>
    /// <exception cref="InvalidOperationException">The URL means a ZeroTier network.</exception>
    public static void RefuseForeignUrl(string url, string where)
    {
        const string Remedy =
            "ZeroTier endpoints are set in the section ZeroTier, for example ZeroTier__Listen=8080, or in code, for example "
            + "zt.Listen(8080).";
        if (url.StartsWith("zerotier:", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"{where} is '{url}', whose scheme no server knows. {Remedy}");
        }

        if (Parse(url, out var address) && address.Host.TrimEnd('.').EndsWith(ZeroTierName.Suffix, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException(
                $"{where} is '{url}'. Kestrel would not look the name up but listen on every network of this machine. {Remedy}");
        }
    }

    /// <summary>
    /// Checks the endpoints of <c>Kestrel:Endpoints</c>, which Kestrel itself reads only later, and again when they change.
    /// </summary>
    /// <param name="kestrel">The server's options.</param>
    /// <param name="options">Ours.</param>
    /// <param name="port">Checks endpoints with this port only; null for all.</param>
    /// <exception cref="InvalidOperationException">An endpoint means a ZeroTier network but would be bound on the host, or it needs
    /// HTTP/3.</exception>
    public static void CheckConfiguration(KestrelServerOptions kestrel, ZeroTierOptions options, int? port = null)
    {
        foreach (var endpoint in ConfiguredSections(kestrel))
        {
            string url = endpoint["Url"] ?? "";
            if (port is not null && Parse(url, out var address) && address.Port != port)
            {
                continue;
            }

            string where = $"Kestrel:Endpoints:{endpoint.Key}:Url";
            RefuseForeignUrl(url, where);
            if (options.TakeAllEndpoints)
            {
                RefuseHttp3(Parse(endpoint["Protocols"]) ?? DefaultProtocols(kestrel), where);
            }
        }
    }

    /// <summary>Checks the default protocols, which endpoints made from URLs always get.</summary>
    /// <exception cref="InvalidOperationException">HTTP/3 is among them.</exception>
    public static void RefuseHttp3ByDefault(KestrelServerOptions kestrel) =>
        RefuseHttp3(
            DefaultProtocols(kestrel),
            "URLs under TakeAllEndpoints, whose protocols come from ConfigureEndpointDefaults or Kestrel:EndpointDefaults");

    /// <summary>Whether the application has endpoints besides its URLs and ours.</summary>
    public static bool HasOtherEndPoints(KestrelServerOptions kestrel) =>
        ConfiguredSections(kestrel).Any()
        || KestrelMembers.CodeBackedListenOptions(kestrel).Exists(listen => listen.EndPoint is not ZeroTierEndPoint);

    /// <summary>Checks the endpoints made in code; returns whether one of them is a ZeroTier endpoint.</summary>
    /// <exception cref="InvalidOperationException">HTTP/3 on an endpoint of ours (rule 4.9).</exception>
    public static bool CheckListenOptions(KestrelServerOptions kestrel, ZeroTierOptions options)
    {
        bool any = false;
        foreach (var listen in KestrelMembers.CodeBackedListenOptions(kestrel))
        {
            bool ours = listen.EndPoint is ZeroTierEndPoint;
            any |= ours;
            if (ours || (options.TakeAllEndpoints && listen.IPEndPoint is not null))
            {
                RefuseHttp3(listen.Protocols, listen.EndPoint.ToString() ?? "");
            }
        }

        return any;
    }

    /// <summary>The endpoints of <c>Kestrel:Endpoints</c> as last read.</summary>
    /// <remarks>
    /// A reload may change Kestrel's list concurrently: a span reads the present content, where an enumerator would throw.
    /// </remarks>
    public static IEnumerable<EndPoint> ConfiguredEndPoints(KestrelServerOptions kestrel) =>
        CollectionsMarshal.AsSpan(KestrelMembers.ConfigurationBackedListenOptions(kestrel)).ToArray().OfType<ListenOptions>()
            .Select(listen => listen.EndPoint);

    // The application's own endpoints, without our placeholders, which are in the same section.
    private static IEnumerable<IConfigurationSection> ConfiguredSections(KestrelServerOptions kestrel) =>
        (kestrel.ConfigurationLoader?.Configuration.GetSection("Endpoints").GetChildren() ?? [])
            .Where(endpoint => !Parse(endpoint["Url"] ?? "", out var address) || !Placeholder.Is(address));

    private static void RefuseHttp3(HttpProtocols protocols, string endPoint)
    {
        if (protocols.HasFlag(HttpProtocols.Http3))
        {
            throw new InvalidOperationException(string.Format(CultureInfo.InvariantCulture, KestrelEndpoints.Http3Refused, endPoint));
        }
    }

    // In Kestrel's order for a URL: first the configuration, then the application's defaults in code, which win.
    private static HttpProtocols DefaultProtocols(KestrelServerOptions kestrel)
    {
        var probe = KestrelMembers.NewListenOptions(new IPEndPoint(IPAddress.Loopback, 0));
        probe.Protocols = Parse(kestrel.ConfigurationLoader?.Configuration["EndpointDefaults:Protocols"]) ?? probe.Protocols;
        KestrelMembers.ApplyEndpointDefaults(kestrel, probe);
        return probe.Protocols;
    }

    // Invalid values are reported by Kestrel itself.
    private static HttpProtocols? Parse(string? text) =>
        Enum.TryParse(text, ignoreCase: true, out HttpProtocols protocols) ? protocols : null;

    // Invalid URLs are reported by Kestrel itself.
    private static bool Parse(string url, [NotNullWhen(true)] out BindingAddress? address)
    {
        try
        {
            address = BindingAddress.Parse(url);
            return true;
        }
        catch (FormatException)
        {
            address = null;
            return false;
        }
    }
}
