using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ZeroTier.Service.AspNetCore.Connections;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Makes endpoints of Kestrel usable for ZeroTierOne's command line tool.</summary>
public static class ZeroTierServiceListenOptionsExtensions
{
    /// <summary>
    /// Adds <c>Host: localhost</c> to the first request of each connection if it has no <c>Host</c> header: <c>zerotier-cli</c> sends none,
    /// and Kestrel refuses such requests, as RFC 9112 section 3.2 requires. Use it only for endpoints on this machine's loopback that serve
    /// HTTP/1.1 without TLS.
    /// </summary>
    /// <param name="listen">The endpoint.</param>
    public static ListenOptions AllowMissingHost(this ListenOptions listen)
    {
        ArgumentNullException.ThrowIfNull(listen);
        listen.Use(next => context =>
        {
            context.Transport = new MissingHostTransport(context.Transport);
            return next(context);
        });
        return listen;
    }
}
