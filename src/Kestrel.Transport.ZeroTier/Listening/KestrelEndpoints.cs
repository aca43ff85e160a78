using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Adds our endpoints to Kestrel's options: those made in code directly, those of the configuration through <see cref="KestrelSection"/>.
/// Runs after the application's own configuration, so that its endpoint defaults apply to them.
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

    /// <summary>Adds the connection middleware that every ZeroTier endpoint has.</summary>
    public static void Prepare(ListenOptions listen, AccessControl access, ListenEntry entry)
    {
        // First, so that connections whose TLS handshake fails are tagged too.
        listen.Use(PeerTags.Middleware);
        listen.Use(access.Middleware(entry.Access));
        entry.Configure?.Invoke(listen);
    }

    /// <summary>
    /// The options; null when they are invalid, which is reported when the host starts, or when <see cref="ZeroTierNodeOptions.Enabled"/>
    /// is false.
    /// </summary>
    public static ZeroTierOptions? Usable(IOptions<ZeroTierOptions> zeroTier)
    {
        try
        {
            return zeroTier.Value.Enabled ? zeroTier.Value : null;
        }
        catch (OptionsValidationException)
        {
            // The server is created while the host is built, before options are validated; throwing here would hide the validation message.
            return null;
        }
    }

    public void PostConfigure(string? name, KestrelServerOptions options)
    {
        // Without services these options do not belong to a Kestrel server.
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
