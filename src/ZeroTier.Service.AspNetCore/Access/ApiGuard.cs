using System.Net;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>
/// Access control for the HTTP APIs. If the app has given the endpoint an authorization policy, the framework has checked it before.
/// Otherwise a request needs the token, and must come from this machine or a permitted network, with a Host that rules out DNS rebinding
/// (docs/protocol/5-http-api.md 5.2).
/// </summary>
internal sealed class ApiGuard(
    ApiToken token,
    MetricsToken metricsToken,
    IOptions<ZeroTierServiceOptions> options,
    TimeProvider timeProvider,
    ILoggerFactory loggerFactory)
{
    public const string TokenHeader = "X-ZT1-Auth";

    private readonly Refusals _refusals = new(loggerFactory.CreateLogger(AccessLog.Category), timeProvider);
    private readonly ZeroTierServiceOptions _options = options.Value;

    /// <summary>Checks a request; returns the status code of the refusal, or null to permit it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="entry">The requirement when there is no policy.</param>
    public int? Refuse(HttpContext context, Entry entry = Entry.Token)
    {
        if (RefuseForeign(context) is { } foreign)
        {
            return foreign;
        }

        if (HasPolicy(context))
        {
            return null;
        }

        if (RefuseFar(context) is { } far)
        {
            return far;
        }

        return (entry == Entry.Nearness ? true : IsToken(context.Request, entry)) switch
        {
            true => null,
            false => Refuse(StatusCodes.Status401Unauthorized, "its token is wrong."),

            // Not logged, because many clients first try without a token.
            null => StatusCodes.Status401Unauthorized,
        };
    }

    /// <summary>Refuses cross-origin requests of browsers; returns the status code, or null to permit the request.</summary>
    public int? RefuseForeign(HttpContext context) =>
        IsForeignPage(context.Request) ? Refuse(StatusCodes.Status403Forbidden, "it comes from a page of another origin.") : null;

    /// <summary>
    /// Refuses requests from addresses, or for hosts, for which the token is not accepted; returns the status code, or null to permit the
    /// request.
    /// </summary>
    public int? RefuseFar(HttpContext context)
    {
        if (!IsNear(context))
        {
            return Refuse(
                StatusCodes.Status401Unauthorized,
                "it comes from another machine, or through a proxy. TokenNetworks says from where the token is accepted; a policy "
                + "(RequireAuthorization) accepts users.");
        }

        return IsKnownHost(context.Request.Host) ? null
            : Refuse(StatusCodes.Status403Forbidden, "its Host is neither localhost, nor an address, nor one of TokenHosts.");
    }

    /// <summary>Whether the endpoint has an authorization policy.</summary>
    /// <remarks>
    /// An endpoint with <c>AllowAnonymous</c> counts as having no policy, so it needs the token. If the authorization middleware is
    /// missing, the framework has thrown before this is called.
    /// </remarks>
    public static bool HasPolicy(HttpContext context) =>
        context.GetEndpoint()?.Metadata is { } metadata && metadata.GetMetadata<IAllowAnonymous>() is null &&
        metadata.GetMetadata<IAuthorizeData>() is not null;

    private static bool IsForeignPage(HttpRequest request)
    {
        if (request.Headers.TryGetValue("Sec-Fetch-Site", out var site) && site.ToString() is not ("same-origin" or "none"))
        {
            return true;
        }

        return request.Headers.TryGetValue(HeaderNames.Origin, out var origin) &&
            !string.Equals(origin.ToString(), $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
    }

    private bool IsNear(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        if (context.Connection.RemoteIpAddress is not { } address ||
            headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("Forwarded"))
        {
            return false;
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return IPAddress.IsLoopback(address) || _options.TokenNetworks.Any(network => network.Contains(address));
    }

    // A request without a Host header does not come from a browser.
    private bool IsKnownHost(HostString host) => !host.HasValue || host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ||
        IPAddress.TryParse(host.Host, out _) || _options.TokenHosts.Contains(host.Host, StringComparer.OrdinalIgnoreCase);

    // The first place that contains a token decides (5.2.1); null when there is none.
    private bool? IsToken(HttpRequest request, Entry entry)
    {
        if (request.Headers.TryGetValue(TokenHeader, out var header))
        {
            return Accepts(header.ToString(), entry);
        }

        if (_options.AllowsTokenInQuery && request.Query.TryGetValue("auth", out var query))
        {
            return Accepts(query.ToString(), entry);
        }

        const string scheme = "Bearer ";
        string authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            ? Accepts(authorization.AsSpan(scheme.Length), entry)
            : null;
    }

    private bool Accepts(ReadOnlySpan<char> text, Entry entry) => token.Is(text) || (entry == Entry.MetricsToken && metricsToken.Is(text));

    private int Refuse(int status, string reason)
    {
        _refusals.Report(reason);
        return status;
    }
}
