using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Applies the rules for the application's URLs once ZeroTier endpoints are configured: left out, kept or moved (rule 4.5). Refuses
/// endpoints that would listen on the host unintentionally (rules 4.8, 4.9). Runs after the host has collected the URLs and before the
/// server binds.
/// </summary>
internal sealed class HostUrls(
    IOptions<ZeroTierOptions> zeroTier,
    IOptions<KestrelServerOptions> kestrel,
    IServer server,
    IHostEnvironment environment,
    ListenerRegistry registry,
    KestrelSection section,
    ILoggerFactory loggerFactory)
    : IStartupFilter
{
    private const string DefaultUrl = "http://localhost:5000";

    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        if (zeroTier.Value.Enabled
            && !TestServerExclusion.IsTestServer(server)
            && app.ServerFeatures.Get<IServerAddressesFeature>() is { } addresses)
        {
            registry.ServerBindsEndPoints = true;
            Apply(addresses);
            app.Use(KeepPeer);
        }

        next(app);
    };

    /// <summary>
    /// SignalR's long polling gives hubs a copy of the request that keeps its items but not its features, so the peer is stored in the
    /// items. Only requests with a connection id, as SignalR's have, pay for it.
    /// </summary>
    private static RequestDelegate KeepPeer(RequestDelegate next) => context =>
    {
        if (context.Request.QueryString.Value is { Length: > 0 } query && query.Contains("id=", StringComparison.Ordinal)
            && context.Features.Get<IZeroTierPeerFeature>() is { } peer)
        {
            context.Items[typeof(IZeroTierPeerFeature)] = peer;
        }

        return next(context);
    };

    private void Apply(IServerAddressesFeature feature)
    {
        var options = zeroTier.Value;
        foreach (string url in feature.Addresses)
        {
            EndpointRules.RefuseForeignUrl(url, "A URL");
        }

        EndpointRules.CheckConfiguration(kestrel.Value, options);
        bool ours = EndpointRules.CheckListenOptions(kestrel.Value, options) | section.Served.Count > 0;
        if (options.TakeAllEndpoints && (feature.Addresses.Count > 0 || !EndpointRules.HasOtherEndPoints(kestrel.Value)))
        {
            EndpointRules.RefuseHttp3ByDefault(kestrel.Value);
        }

        if (!ours && !options.TakeAllEndpoints)
        {
            TransportLog.NoEndPoint(_logger);
        }

        if (!ours || feature.Addresses.IsReadOnly || (feature.PreferHostingUrls && feature.Addresses.Count > 0))
        {
            // No ZeroTier endpoint: URLs are bound as usual, under TakeAllEndpoints by this transport. With PreferHostingUrls Kestrel drops
            // all endpoints, which is reported afterwards (rule 4.7).
            return;
        }

        if (options.KeepHostUrls || options.TakeAllEndpoints)
        {
            Keep(feature, options);
        }
        else if (feature.Addresses.Count > 0)
        {
            TransportLog.HostUrlsLeftOut(_logger, string.Join(", ", feature.Addresses));
        }

        // Kestrel would ignore remaining addresses with a warning.
        feature.Addresses.Clear();
    }

    private void Keep(IServerAddressesFeature feature, ZeroTierOptions options)
    {
        // Without any URL Kestrel uses its default URL, unless there is another endpoint.
        string[] urls = feature.Addresses.Count > 0 ? [.. feature.Addresses]
            : EndpointRules.HasOtherEndPoints(kestrel.Value) ? []
            : [DefaultUrl];
        foreach (string url in urls)
        {
            var address = BindingAddress.Parse(url);
            if (address.PathBase.Length > 0)
            {
                // The same error as Kestrel's for URLs that it binds itself.
                throw new InvalidOperationException(
                    $"The URL '{url}' has a path base, which can only be set with IApplicationBuilder.UsePathBase().");
            }

            if (!options.TakeAllEndpoints && !environment.IsDevelopment() && !IsLocal(address))
            {
                TransportLog.HostUrlIsPublic(_logger, url);
            }

            Listen(kestrel.Value, address);
        }
    }

    private static void Listen(KestrelServerOptions options, BindingAddress address)
    {
        void Configure(ListenOptions listen)
        {
            if (string.Equals(address.Scheme, Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase))
            {
                listen.UseHttps();
            }
        }

        if (address.IsUnixPipe)
        {
            options.ListenUnixSocket(address.UnixPipePath, Configure);
        }
        else if (address.IsNamedPipe)
        {
            options.ListenNamedPipe(address.NamedPipeName, Configure);
        }
        else if (IsLocalhost(address.Host))
        {
            options.ListenLocalhost(address.Port, Configure);
        }
        else if (IPAddress.TryParse(address.Host, out var ip))
        {
            options.Listen(ip, address.Port, Configure);
        }
        else
        {
            options.ListenAnyIP(address.Port, Configure);
        }
    }

    private static bool IsLocal(BindingAddress address) =>
        address.IsUnixPipe
        || address.IsNamedPipe
        || IsLocalhost(address.Host)
        || (IPAddress.TryParse(address.Host, out var ip) && IPAddress.IsLoopback(ip));

    private static bool IsLocalhost(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);
}
