using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Hands our endpoints to Kestrel. After the application's own configuration, so that its endpoint defaults apply to them.
/// </summary>
internal sealed class KestrelEndpoints(IOptions<ZeroTierOptions> zeroTier) : IPostConfigureOptions<KestrelServerOptions>
{
    /// <summary>What HTTP/3 on one of our endpoints is answered with.</summary>
    public const string Http3Refused =
        "HTTP/3 runs over QUIC, which needs UDP sockets of this machine, so it is not available on ZeroTier endpoints ({0}). Set Protocols to Http1AndHttp2.";

    /// <summary>The endpoints that the options ask for.</summary>
    public static IEnumerable<(ZeroTierEndPoint EndPoint, Action<ListenOptions>? Configure)> Configured(ZeroTierOptions options)
    {
        foreach (var entry in options.ListenEntries)
        {
            IEnumerable<string> networks = entry.Network is { } network ? [network] : entry.Address is null ? options.Networks : options.Networks.Take(1);
            foreach (string id in networks)
            {
                yield return (new ZeroTierEndPoint(NetworkId.Parse(id), entry.Address, entry.Port), entry.Configure);
            }
        }
    }

    public void PostConfigure(string? name, KestrelServerOptions options)
    {
        ZeroTierOptions ours;
        try
        {
            ours = zeroTier.Value;
        }
        catch (OptionsValidationException)
        {
            // The server is made while the host is built; what is wrong is reported when the host starts.
            return;
        }

        if (!ours.Enabled)
        {
            return;
        }

        foreach (var (endPoint, configure) in Configured(ours))
        {
            options.Listen(endPoint, listen =>
            {
                // First, so that the tags see the connection before TLS, which may fail.
                listen.Use(PeerTags.Middleware);
                configure?.Invoke(listen);
            });
        }
    }
}
