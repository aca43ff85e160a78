using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Service.AspNetCore.Pages;

/// <summary>
/// Maps a set of pages below a path. All URLs in the pages are relative, so the path may be anything. <c>session</c> returns the signed-in
/// user (GET) and signs out (DELETE); <c>api/</c> contains the endpoints for the scripts.
/// </summary>
internal static class PageRoutes
{
    // Permits scripts, styles, images and calls of this origin only; trusted types prevent inserting text as markup.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    /// <summary>
    /// The maximum duration of an event stream. Browsers reconnect automatically and are then authorised again; clients that have vanished
    /// silently do not hold resources for longer.
    /// </summary>
    public static readonly TimeSpan StreamAge = TimeSpan.FromMinutes(10);

    private static readonly string[] Reading = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Maps pages.</summary>
    /// <param name="endpoints">The route builder. <see cref="AccessServices.AddApiAccess"/> must have been called.</param>
    /// <param name="prefix">The path.</param>
    /// <param name="pages">The pages.</param>
    /// <param name="mapApi">Maps the endpoints for the scripts, which get the same access control as the pages.</param>
    /// <returns>All endpoints, for conventions such as <c>RequireAuthorization</c>.</returns>
    public static IEndpointConventionBuilder Map(
        IEndpointRouteBuilder endpoints, string prefix, PageSet pages, Action<RouteGroupBuilder> mapApi)
    {
        IServiceProvider services = endpoints.ServiceProvider;
        var access = new PageAccess(
            pages, services.GetRequiredService<ApiGuard>(), services.GetRequiredService<ApiToken>(),
            services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILoggerFactory>());
        RouteGroupBuilder all = endpoints.MapGroup(prefix).AddEndpointFilter(AddHeadersAsync).ExcludeFromDescription();
        RouteGroupBuilder files = all.MapGroup("").AddEndpointFilter(access.CheckFileAsync);
        foreach (PageFile asset in pages.Assets)
        {
            files.MapMethods(asset.Name, Reading, (HttpContext context) => SendAsset(asset, context));
        }

        foreach (PageFile page in pages.Pages)
        {
            string path = page.Name == "index" ? "/" : page.Name;
            files.MapMethods(path, Reading, (HttpContext context) => SendPage(page, access, context));
            files.MapPost(path, (Delegate)access.SignInAsync);
        }

        RouteGroupBuilder calls = all.MapGroup("").AddEndpointFilter(access.CheckCallAsync);
        calls.MapGet("session", (HttpContext context) => Describe(context));
        calls.MapDelete("session", (HttpContext context) => access.SignOut(context));
        mapApi(calls.MapGroup("api"));
        return all;
    }

    private static ValueTask<object?> AddHeadersAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        IHeaderDictionary headers = invocation.HttpContext.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Referrer-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
        return next(invocation);
    }

    private static IResult SendAsset(PageFile asset, HttpContext context)
    {
        // Cached, but revalidated at each use, because a new version of the app has other files.
        context.Response.Headers.CacheControl = "no-cache";
        return TypedResults.Bytes(asset.Content, asset.ContentType, entityTag: asset.Tag);
    }

    private static IResult SendPage(PageFile page, PageAccess access, HttpContext context)
    {
        // Relative URLs need the trailing slash.
        if (page.Name == "index" && !context.Request.Path.Value!.EndsWith('/'))
        {
            return TypedResults.LocalRedirect(context.Request.PathBase + context.Request.Path + "/" + context.Request.QueryString);
        }

        return access.IsSignedIn(context) ? TypedResults.Bytes(page.Content, page.ContentType) : access.ShowSignIn();
    }

    private static IResult Describe(HttpContext context) => ApiGuard.HasPolicy(context)
        ? TypedResults.Json(new PageSession(context.User.Identity?.Name, SignsOut: false), PageJson.Default.PageSession)
        : TypedResults.Json(new PageSession(null, SignsOut: true), PageJson.Default.PageSession);
}

/// <summary>The signed-in user, and whether the pages can sign out; they cannot when the app authenticates users.</summary>
internal sealed record PageSession(string? User, bool SignsOut);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PageSession))]
internal sealed partial class PageJson : JsonSerializerContext;
