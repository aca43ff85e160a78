using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ZeroTier.Service.AspNetCore.Connections;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>An endpoint of Kestrel that ZeroTierOne's command line tool can use.</summary>
public static class ZeroTierServiceListenOptionsExtensions
{
    /// <summary>
    /// Accepts a first request without <c>Host</c> on each connection, as <c>zerotier-cli</c> sends it: it gets <c>Host: localhost</c>.
    /// Kestrel refuses such requests, as RFC 9112 section 3.2 demands. Only for endpoints of this machine that serve HTTP/1.1 without
    /// TLS.
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
