using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Hands our endpoints to Kestrel: those that were made in code as such, those of the configuration as <see cref="KestrelSection"/>. After
/// the application's own configuration, so that its endpoint defaults apply to them.
/// </summary>
internal sealed class KestrelEndpoints(
    IOptions<ZeroTierOptions> zeroTier, KestrelSection section) : IPostConfigureOptions<KestrelServerOptions>
{
    /// <summary>The error for HTTP/3 on a ZeroTier endpoint.</summary>
    public const string Http3Refused =
        "HTTP/3 runs over QUIC, which needs UDP sockets of this machine, so it is not available on ZeroTier endpoints ({0}). Set Protocols "
        + "to Http1AndHttp2.";

    /// <summary>The endpoints that the options ask for.</summary>
    public static IEnumerable<ZeroTierEndPoint> Configured(ZeroTierOptions options) =>
        options.ListenEntries.SelectMany(entry => Configured(options, entry));

    /// <summary>The endpoints of one entry.</summary>
    public static IEnumerable<ZeroTierEndPoint> Configured(ZeroTierOptions options, ListenEntry entry)
    {
        IEnumerable<string> networks = entry.Network is { } network ? [network]
            : entry.Address is null ? options.Networks
            : options.Networks.Take(1);
        return networks.Select(id => new ZeroTierEndPoint(NetworkId.Parse(id), entry.Address, entry.Port));
    }

    /// <summary>Adds the endpoints of one entry to Kestrel's.</summary>
    public static void Listen(KestrelServerOptions kestrel, ZeroTierOptions options, ListenEntry entry)
    {
        var access = kestrel.ApplicationServices.GetRequiredService<AccessControl>();
        foreach (var endPoint in Configured(options, entry))
        {
            kestrel.Listen(endPoint, listen => Prepare(listen, access, entry));
        }
    }

    /// <summary>Gives an endpoint of Kestrel's what each of ours has.</summary>
    public static void Prepare(ListenOptions listen, AccessControl access, ListenEntry entry)
    {
        // First, so that the tags see the connection before TLS, which may fail.
        listen.Use(PeerTags.Middleware);
        listen.Use(access.Middleware(entry.Access));
        entry.Configure?.Invoke(listen);
    }

    /// <summary>
    /// The options, where there is something to listen with; null where they are wrong, which is reported when the host starts, or where no
    /// node runs.
    /// </summary>
    public static ZeroTierOptions? Usable(IOptions<ZeroTierOptions> zeroTier)
    {
        try
        {
            return zeroTier.Value.Enabled ? zeroTier.Value : null;
        }
        catch (OptionsValidationException)
        {
            // The server is made while the host is built.
            return null;
        }
    }

    public void PostConfigure(string? name, KestrelServerOptions options)
    {
        // Without services the server is not Kestrel, and the options are those of nobody.
        if (options.ApplicationServices is not null && Usable(zeroTier) is { } ours)
        {
            foreach (var entry in ours.ListenEntries.Where(entry => entry.Kestrel is null))
            {
                Listen(options, ours, entry);
            }

            section.Attach(options, ours);
        }
    }
}
