using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>What an endpoint may not be, and why that would hurt.</summary>
internal static class EndpointRules
{
    /// <summary>A URL can only name the host's own addresses: any unknown name means all of them (rule 4.8).</summary>
    /// <exception cref="InvalidOperationException">The URL means a ZeroTier network.</exception>
    public static void RefuseForeignUrl(string url, string where)
    {
        const string Remedy = "ZeroTier endpoints are set in the section ZeroTier, for example ZeroTier__Listen=8080, or in code, for example zt.Listen(8080).";
        if (url.StartsWith("zerotier:", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"{where} is '{url}', whose scheme no server knows. {Remedy}");
        }

        if (Host(url) is { } host && host.TrimEnd('.').EndsWith(ZeroTierName.Suffix, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"{where} is '{url}'. Kestrel would not look the name up but listen on every network of this machine. {Remedy}");
        }
    }

    /// <summary>Looks at <c>Kestrel:Endpoints</c>, which Kestrel reads only later.</summary>
    public static void CheckConfiguration(KestrelServerOptions kestrel, ZeroTierOptions options)
    {
        if (kestrel.ConfigurationLoader?.Configuration is not { } configuration)
        {
            return;
        }

        string? common = configuration["EndpointDefaults:Protocols"];
        foreach (var endpoint in configuration.GetSection("Endpoints").GetChildren())
        {
            string where = $"Kestrel:Endpoints:{endpoint.Key}:Url";
            RefuseForeignUrl(endpoint["Url"] ?? "", where);
            if (options.TakeAllEndpoints
                && Enum.TryParse(endpoint["Protocols"] ?? common, ignoreCase: true, out HttpProtocols protocols)
                && protocols.HasFlag(HttpProtocols.Http3))
            {
                throw Http3Refused(where);
            }
        }
    }

    /// <summary>Looks at the endpoints that were made in code; tells whether one of them is ours.</summary>
    /// <exception cref="InvalidOperationException">HTTP/3 on an endpoint of ours (rule 4.9).</exception>
    public static bool CheckListenOptions(KestrelServerOptions kestrel, ZeroTierOptions options)
    {
        bool any = false;
        foreach (var listen in CodeBackedListenOptions(kestrel))
        {
            bool ours = listen.EndPoint is ZeroTierEndPoint;
            any |= ours;
            if ((ours || (options.TakeAllEndpoints && listen.IPEndPoint is not null)) && listen.Protocols.HasFlag(HttpProtocols.Http3))
            {
                throw Http3Refused(listen.EndPoint.ToString() ?? "");
            }
        }

        return any;
    }

    /// <summary>The endpoints of <c>Kestrel:Endpoints</c> as last read.</summary>
    public static IEnumerable<EndPoint> ConfiguredEndPoints(KestrelServerOptions kestrel) => ConfigurationBackedListenOptions(kestrel).Select(listen => listen.EndPoint);

    private static InvalidOperationException Http3Refused(string endPoint) =>
        new(string.Format(CultureInfo.InvariantCulture, KestrelEndpoints.Http3Refused, endPoint));

    private static string? Host(string url)
    {
        try
        {
            return BindingAddress.Parse(url).Host;
        }
        catch (FormatException)
        {
            // Kestrel says itself what is wrong with it.
            return null;
        }
    }

    // Kestrel has no public lists of its endpoints. Should a later runtime rename these, the tests of rules 4.9 and 5.10 fail.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_CodeBackedListenOptions")]
    private static extern List<ListenOptions> CodeBackedListenOptions(KestrelServerOptions options);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_ConfigurationBackedListenOptions")]
    private static extern List<ListenOptions> ConfigurationBackedListenOptions(KestrelServerOptions options);
}
