using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Pages.SignIn;

namespace ZeroTier.Service.AspNetCore.Pages;

/// <summary>
/// Access control for a set of pages. With an authorization policy of the app, the policy decides; otherwise users sign in with the token,
/// from addresses where it is accepted. Calls of the pages' scripts are protected against cross-site request forgery by three independent
/// means: the browser's headers (<c>Sec-Fetch-Site</c>, <c>Origin</c>), a SameSite cookie, and, for changes, a custom header that other
/// origins cannot send without a CORS preflight.
/// </summary>
internal sealed class PageAccess(PageSet pages, ApiGuard guard, ApiToken token, TimeProvider timeProvider, ILoggerFactory loggerFactory)
{
    /// <summary>
    /// The header that the pages' scripts send: <c>use</c> for requests caused by the user, <c>refresh</c> for automatic ones, which do not
    /// extend the session.
    /// </summary>
    public const string ScriptHeader = "X-ZeroTier-Page";
    private const int MaxFormValue = 2048;
    private const string FarText =
        "These pages are for this machine, by the name of localhost or an address, unless the app allows more. " +
        "Its log says what was refused, and how to allow it.\n";

    private readonly SignInSessions _sessions = new(timeProvider);
    private readonly SignInLimit _limit = new(timeProvider);
    private readonly ILogger _logger = loggerFactory.CreateLogger(PagesLog.Category);

    /// <summary>Endpoint filter for calls of scripts: requires a signed-in user.</summary>
    public ValueTask<object?> CheckCallAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next) =>
        RefuseCall(invocation.HttpContext) is { } status
            ? ValueTask.FromResult<object?>(TypedResults.Problem(statusCode: status))
            : next(invocation);

    /// <summary>
    /// Endpoint filter for files. Does not check the origin, because pages contain no data and other sites may link to them.
    /// </summary>
    public ValueTask<object?> CheckFileAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next) =>
        ApiGuard.HasPolicy(invocation.HttpContext) || guard.RefuseFar(invocation.HttpContext) is null
            ? next(invocation)
            : ValueTask.FromResult<object?>(TypedResults.Text(FarText, statusCode: StatusCodes.Status403Forbidden));

    /// <summary>Whether the user is signed in; if not, the sign-in page is shown instead of a page.</summary>
    public bool IsSignedIn(HttpContext context) =>
        ApiGuard.HasPolicy(context) || _sessions.Find(SecretOf(context.Request), isUse: true) is not null;

    /// <summary>Returns the sign-in page in place of the requested page.</summary>
    public IResult ShowSignIn(string? problem = null, int status = StatusCodes.Status200OK) =>
        TypedResults.Text(pages.SignIn(problem), "text/html", contentEncoding: null, status);

    /// <summary>Handles the form of the sign-in page, which is posted to the URL of the requested page.</summary>
    public async Task<IResult> SignInAsync(HttpContext context)
    {
        if (ApiGuard.HasPolicy(context))
        {
            return TypedResults.StatusCode(StatusCodes.Status405MethodNotAllowed);
        }

        if (guard.RefuseForeign(context) is { } foreign)
        {
            return TypedResults.StatusCode(foreign);
        }

        IPAddress? address = context.Connection.RemoteIpAddress;
        if (_limit.Take(address) is { } wait)
        {
            int seconds = (int)Math.Ceiling(wait.TotalSeconds);
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            return ShowSignIn($"Too many tries. Wait {seconds} seconds, then try again.", StatusCodes.Status429TooManyRequests);
        }

        if (!token.Is(await ReadTokenAsync(context).ConfigureAwait(false)))
        {
            PagesLog.SignInFailed(_logger, address);
            return ShowSignIn("That is not the token.", StatusCodes.Status403Forbidden);
        }

        _limit.Forget(address);
        PagesLog.SignedIn(_logger, address);
        _sessions.SignOut(SecretOf(context.Request));
        HttpRequest request = context.Request;
        context.Response.Cookies.Append(CookieName(request), _sessions.Begin(), CookieOf(request));
        context.Response.Headers.Location = UriOf(request.PathBase + request.Path) + request.QueryString;
        return TypedResults.StatusCode(StatusCodes.Status303SeeOther);
    }

    /// <summary>Ends the session of a request.</summary>
    public IResult SignOut(HttpContext context)
    {
        _sessions.SignOut(SecretOf(context.Request));
        context.Response.Cookies.Delete(CookieName(context.Request), CookieOf(context.Request));
        return TypedResults.NoContent();
    }

    private static async Task<string> ReadTokenAsync(HttpContext context)
    {
        var reader = new FormPipeReader(context.Request.BodyReader)
        {
            ValueCountLimit = 1,
            KeyLengthLimit = MaxFormValue,
            ValueLengthLimit = MaxFormValue,
        };
        try
        {
            var form = await reader.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
            return form.TryGetValue("token", out var given) ? given.ToString().Trim() : "";
        }
        catch (InvalidDataException)
        {
            return "";
        }
    }

    private string? SecretOf(HttpRequest request) => request.Cookies[CookieName(request)];

    // The cookie's name contains key and port, because cookies are shared by all ports of a host, and by nested paths.
    private string CookieName(HttpRequest request) =>
        string.Create(CultureInfo.InvariantCulture, $"zt-{pages.Key}-{request.Host.Port ?? (request.IsHttps ? 443 : 80)}");

    // Restricts the cookie to the path of the pages.
    private static CookieOptions CookieOf(HttpRequest request)
    {
        string path = UriOf(request.PathBase + request.Path);
        return new CookieOptions
        {
            HttpOnly = true,
            IsEssential = true,
            SameSite = SameSiteMode.Strict,
            Secure = request.IsHttps,
            Path = path[..(path.LastIndexOf('/') + 1)],
        };
    }

    private static string UriOf(PathString path) => path.ToUriComponent();

    private int? RefuseCall(HttpContext context)
    {
        if (guard.RefuseForeign(context) is { } foreign)
        {
            return foreign;
        }

        string purpose = context.Request.Headers[ScriptHeader].ToString();
        if (purpose.Length == 0 && !HttpMethods.IsGet(context.Request.Method))
        {
            return StatusCodes.Status403Forbidden;
        }

        if (ApiGuard.HasPolicy(context))
        {
            return null;
        }

        if (guard.RefuseFar(context) is { } far)
        {
            return far;
        }

        if (_sessions.Find(SecretOf(context.Request), isUse: purpose == "use") is not { } ended)
        {
            return StatusCodes.Status401Unauthorized;
        }

        // Abort GET requests, which may be event streams, when the session ends; the request that signs out must complete.
        if (HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.RegisterForDispose(ended.UnsafeRegister(static c => ((HttpContext)c!).Abort(), context));
        }

        return null;
    }
}
