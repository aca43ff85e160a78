using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Pages.SignIn;

namespace ZeroTier.Service.AspNetCore.Pages;

/// <summary>
/// Who gets to a set of pages: the users of the policy that the app has given them; without one, whoever has signed in with the token, from
/// where the token is accepted. What the pages' script calls is refused to pages of other origins, by three means of which each is enough:
/// the browser's own word (<c>Sec-Fetch-Site</c>, <c>Origin</c>), a cookie that stays on this site, and for changes a header that other
/// origins cannot send without being asked.
/// </summary>
internal sealed class PageAccess(PageSet pages, ApiGuard guard, ApiToken token, TimeProvider timeProvider, ILoggerFactory loggerFactory)
{
    /// <summary>
    /// Sent by the pages' script: <c>use</c> where a person is at work, <c>refresh</c> where the page follows what happens.
    /// </summary>
    public const string ScriptHeader = "X-ZeroTier-Page";
    private const int MaxFormValue = 2048;
    private const string FarText =
        "These pages are for this machine, by the name of localhost or an address, unless the app allows more. " +
        "Its log says what was refused, and how to allow it.\n";

    private readonly SignInSessions _sessions = new(timeProvider);
    private readonly SignInLimit _limit = new(timeProvider);
    private readonly ILogger _logger = loggerFactory.CreateLogger(PagesLog.Category);

    /// <summary>Around what script calls: it is for those who are signed in.</summary>
    public ValueTask<object?> CheckCallAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next) =>
        RefuseCall(invocation.HttpContext) is { } status
            ? ValueTask.FromResult<object?>(TypedResults.Problem(statusCode: status))
            : next(invocation);

    /// <summary>Around every file. Pages hold no data, and other sites may link to them.</summary>
    public ValueTask<object?> CheckFileAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next) =>
        ApiGuard.HasPolicy(invocation.HttpContext) || guard.RefuseFar(invocation.HttpContext) is null
            ? next(invocation)
            : ValueTask.FromResult<object?>(TypedResults.Text(FarText, statusCode: StatusCodes.Status403Forbidden));

    /// <summary>Whether to show a page; otherwise the sign-in is shown.</summary>
    public bool IsSignedIn(HttpContext context) =>
        ApiGuard.HasPolicy(context) || _sessions.Find(SecretOf(context.Request), isUse: true) is not null;

    /// <summary>Shows the sign-in in place of a page.</summary>
    public IResult ShowSignIn(string? problem = null, int status = StatusCodes.Status200OK) =>
        TypedResults.Text(pages.SignIn(problem), "text/html", contentEncoding: null, status);

    /// <summary>Takes the form of the sign-in, at the address of the page that it stood for.</summary>
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

    /// <summary>Ends the session of a call.</summary>
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

    // Cookies do not know ports, and programs on other ports of this machine have pages, too; so may a folder within this one.
    private string CookieName(HttpRequest request) =>
        string.Create(CultureInfo.InvariantCulture, $"zt-{pages.Key}-{request.Host.Port ?? (request.IsHttps ? 443 : 80)}");

    // For the folder of the pages and nothing beside it.
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

        // Streams of events do not outlive the session. What signs out does.
        if (HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.RegisterForDispose(ended.UnsafeRegister(static c => ((HttpContext)c!).Abort(), context));
        }

        return null;
    }
}
