using System.Net;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>
/// Lets a request in, or not: by the policy that the app has given the endpoint, which the framework has checked before; without one,
/// by the token, from this machine, by a name that no page on the Internet can take (docs/protocol/5-http-api.md 5.2).
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

    /// <summary>The status with which to refuse; null to let it in.</summary>
    /// <param name="context">The request.</param>
    /// <param name="entry">What it must show where no policy decides.</param>
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

            // Without a log entry: half of all programs try without first.
            null => StatusCodes.Status401Unauthorized,
        };
    }

    /// <summary>The status with which to refuse what a page of another origin sends; null where it is none.</summary>
    public int? RefuseForeign(HttpContext context) =>
        IsForeignPage(context.Request) ? Refuse(StatusCodes.Status403Forbidden, "it comes from a page of another origin.") : null;

    /// <summary>The status with which to refuse what comes from where the token counts for nothing; null where it counts.</summary>
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

    /// <summary>Whether a policy decides on the request.</summary>
    /// <remarks>
    /// An endpoint that is open to anonymous users has no policy: it needs the token. Where the authorization middleware is missing,
    /// the framework has thrown before.
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

    // A request without one is no browser's.
    private bool IsKnownHost(HostString host) => !host.HasValue || host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ||
        IPAddress.TryParse(host.Host, out _) || _options.TokenHosts.Contains(host.Host, StringComparer.OrdinalIgnoreCase);

    // The first place that has one decides (5.2.1); null where none has.
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
