using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using ZeroTier.Service.AspNetCore;
using ZeroTier.Service.AspNetCore.Pages;
using ZeroTier.Service.AspNetCore.Pages.SignIn;

namespace ZeroTier.Controller.AspNetCore.Tests;

/// <summary>The admin pages as HTTP sees them: headers, sessions, who gets in. What people see is held by Browser.Tests.</summary>
public sealed class AdminPagesTests
{
    private const string Cookie = "zt-admin-80";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_answer_forbids_what_the_pages_do_not_need()
    {
        await using ControllerApp app = await StartAsync();
        string[] paths =
        [
            "/admin", "/admin/", "/admin/members", "/admin/pages.css", "/admin/dom.js", "/admin/icon.svg", "/admin/session",
            "/admin/api/networks",
        ];
        foreach (string path in paths)
        {
            using HttpResponseMessage response = await SendAsync(app, "GET", path);
            string policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
            Assert.StartsWith(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
                "frame-ancestors 'none'; base-uri 'none'",
                policy,
                StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("same-origin", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
            Assert.Equal("same-origin", Assert.Single(response.Headers.GetValues("Cross-Origin-Resource-Policy")));
        }
    }

    [Fact]
    public async Task Files_have_a_type_and_a_tag_and_pages_are_not_kept()
    {
        await using ControllerApp app = await StartAsync();
        string session = await SignInAsync(app);
        foreach ((string path, string type) in ((string, string)[])
        [
            ("pages.css", "text/css"), ("admin.css", "text/css"), ("dom.js", "text/javascript"), ("members.js", "text/javascript"),
            ("icon.svg", "image/svg+xml"),
        ])
        {
            using HttpResponseMessage file = await SendAsync(app, "GET", "/admin/" + path);
            Assert.Equal((HttpStatusCode.OK, type), (file.StatusCode, file.Content.Headers.ContentType!.MediaType));
            Assert.True(file.Headers.CacheControl!.NoCache);
            using HttpResponseMessage again = await SendAsync(app, "GET", "/admin/" + path, ("If-None-Match", file.Headers.ETag!.Tag));
            Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
            using HttpResponseMessage head = await SendAsync(app, "HEAD", "/admin/" + path);
            Assert.Equal((HttpStatusCode.OK, file.Headers.ETag.Tag), (head.StatusCode, head.Headers.ETag!.Tag));
        }

        using HttpResponseMessage page = await SendAsync(app, "GET", "/admin/members?network=1", ("Cookie", session));
        Assert.Equal(("text/html", true), (page.Content.Headers.ContentType!.MediaType, page.Headers.CacheControl!.NoStore));
        Assert.Contains("<title>Members – ZeroTier controller</title>", await page.Content.ReadAsStringAsync(Cancellation),
            StringComparison.Ordinal);
        using HttpResponseMessage folder = await SendAsync(app, "GET", "/admin?x=1");
        Assert.Equal((HttpStatusCode.Redirect, "/admin/?x=1"), (folder.StatusCode, folder.Headers.Location!.ToString()));
        using HttpResponseMessage nothing = await SendAsync(app, "GET", "/admin/layout.html");
        Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);
    }

    [Fact]
    public async Task Sign_in_gives_a_cookie_that_script_and_other_sites_do_not_get()
    {
        await using ControllerApp app = await StartAsync();
        using HttpResponseMessage signedIn = await PostTokenAsync(app, "/admin/members?network=8056c2e21c000001", app.Token);

        Assert.Equal((HttpStatusCode.SeeOther, "/admin/members?network=8056c2e21c000001"),
            (signedIn.StatusCode, signedIn.Headers.Location!.ToString()));
        string cookie = Assert.Single(signedIn.Headers.GetValues("Set-Cookie"));
        Assert.Matches("^zt-admin-80=[A-Za-z0-9_-]{43}; path=/admin/; samesite=strict; httponly$", cookie);

        using var secure = new HttpRequestMessage(HttpMethod.Post, "https://localhost/admin/") { Content = Form(app.Token) };
        using HttpResponseMessage onHttps = await app.Client.SendAsync(secure, Cancellation);
        Assert.Matches("^zt-admin-443=[^;]+; path=/admin/; secure; samesite=strict; httponly$",
            Assert.Single(onHttps.Headers.GetValues("Set-Cookie")));
    }

    [Fact]
    public async Task Calls_need_a_session_and_pages_show_the_sign_in_without()
    {
        await using ControllerApp app = await StartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, "GET", "/admin/api/networks"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, "GET", "/admin/api/networks", ("Cookie", $"{Cookie}=guess")));

        // The token is for the API for programs.
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, "GET", "/admin/api/networks", ("X-ZT1-Auth", app.Token)));
        Assert.Contains("Sign in", await ReadAsync(app, "/admin/settings"), StringComparison.Ordinal);
        Assert.DoesNotContain("settings.js", await ReadAsync(app, "/admin/settings"), StringComparison.Ordinal);

        string session = await SignInAsync(app);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, "GET", "/admin/api/networks", ("Cookie", session)));
        Assert.Contains("settings.js", await ReadAsync(app, "/admin/settings", ("Cookie", session)), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent,
            await StatusAsync(app, "DELETE", "/admin/session", ("Cookie", session), (PageAccess.ScriptHeader, "use")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, "GET", "/admin/api/networks", ("Cookie", session)));
    }

    [Fact]
    public async Task Changes_need_what_a_page_of_another_origin_cannot_send()
    {
        await using ControllerApp app = await StartAsync();
        string session = await SignInAsync(app);
        Assert.Equal(HttpStatusCode.Forbidden, await CreateAsync(app, session));
        Assert.Equal(HttpStatusCode.Forbidden,
            await CreateAsync(app, session, (PageAccess.ScriptHeader, "use"), ("Origin", "http://localhost:8080")));
        Assert.Equal(HttpStatusCode.Forbidden, await CreateAsync(app, session, (PageAccess.ScriptHeader, "use"), ("Origin", "null")));
        Assert.Equal(HttpStatusCode.Forbidden,
            await CreateAsync(app, session, (PageAccess.ScriptHeader, "use"), ("Sec-Fetch-Site", "same-site")));
        Assert.Empty(app.Controller.Networks);
        Assert.Equal(HttpStatusCode.Created,
            await CreateAsync(app, session, (PageAccess.ScriptHeader, "use"), ("Sec-Fetch-Site", "same-origin")));
        Assert.Single(app.Controller.Networks);

        // Other origins read nothing either, and sign nobody in.
        Assert.Equal(HttpStatusCode.Forbidden,
            await StatusAsync(app, "GET", "/admin/api/networks", ("Cookie", session), ("Sec-Fetch-Site", "cross-site")));
        using HttpResponseMessage forged = await PostTokenAsync(app, "/admin/", app.Token, ("Origin", "http://example.com"));
        Assert.Equal(HttpStatusCode.Forbidden, forged.StatusCode);
        Assert.False(forged.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Other_machines_proxies_and_names_are_refused_unless_an_option_names_them()
    {
        await using ControllerApp far = await StartAsync(from: IPAddress.Parse("10.9.0.3"));
        await using ControllerApp named = await StartAsync(
            options =>
            {
                options.TokenNetworks.Add(IPNetwork.Parse("10.9.0.0/24"));
                options.TokenHosts.Add("zt.example");
            },
            from: IPAddress.Parse("10.9.0.3"));
        await using ControllerApp near = await StartAsync();

        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(far, "GET", "/admin/"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(far, "GET", "/admin/dom.js"));
        using HttpResponseMessage refused = await PostTokenAsync(far, "/admin/", far.Token);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(far, "GET", "/admin/api/networks"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(named, "GET", "/admin/", ("Host", "zt.example")));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(near, "GET", "/admin/", ("X-Forwarded-For", "198.51.100.7")));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(near, "GET", "/admin/", ("Host", "rebound.example")));
        string session = await SignInAsync(near);
        Assert.Equal(HttpStatusCode.Forbidden,
            await StatusAsync(near, "GET", "/admin/api/networks", ("Cookie", session), ("Host", "rebound.example")));
    }

    [Fact]
    public async Task Sessions_end_unused_and_after_eight_hours()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using ControllerApp app = await StartAsync(time: time);
        string idle = await SignInAsync(app);
        time.Advance(SignInSessions.MaxIdle - TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, await UseAsync(app, idle));
        time.Advance(SignInSessions.MaxIdle - TimeSpan.FromSeconds(1));

        // A page that refreshes itself is no use.
        Assert.Equal(HttpStatusCode.OK,
            await StatusAsync(app, "GET", "/admin/api/networks", ("Cookie", idle), (PageAccess.ScriptHeader, "refresh")));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.Unauthorized, await UseAsync(app, idle));

        string busy = await SignInAsync(app);
        for (TimeSpan age = TimeSpan.Zero; age < SignInSessions.MaxAge - TimeSpan.FromMinutes(10); age += TimeSpan.FromMinutes(10))
        {
            time.Advance(TimeSpan.FromMinutes(10));
            Assert.Equal(HttpStatusCode.OK, await UseAsync(app, busy));
        }

        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(HttpStatusCode.Unauthorized, await UseAsync(app, busy));
    }

    [Fact]
    public async Task Tokens_are_tried_five_times_a_minute()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using ControllerApp app = await StartAsync(time: time);
        for (int i = 0; i < SignInLimit.MaxTries; i++)
        {
            using HttpResponseMessage wrong = await PostTokenAsync(app, "/admin/", "abcdefghijklmnopqrstuvwx");
            Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);
        }

        using HttpResponseMessage limited = await PostTokenAsync(app, "/admin/", app.Token);
        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromMinutes(1)), (limited.StatusCode, limited.Headers.RetryAfter!.Delta));
        Assert.False(limited.Headers.Contains("Set-Cookie"));
        time.Advance(SignInLimit.Window);
        await SignInAsync(app);
    }

    [Theory]
    [InlineData("")]
    [InlineData("token")]
    [InlineData("token=a&token=b&token=c")]
    [InlineData("tok%zz=%")]
    public async Task A_form_that_is_none_is_a_wrong_token(string body)
    {
        await using ControllerApp app = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/admin/") { Content = new StringContent(body) };
        using HttpResponseMessage response = await app.Client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);

        using var large = new HttpRequestMessage(HttpMethod.Post, "/admin/") { Content = Form(new string('a', 100_000)) };
        using HttpResponseMessage tooLarge = await app.Client.SendAsync(large, Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, tooLarge.StatusCode);
    }

    [Fact]
    public async Task Pages_and_the_API_for_programs_live_side_by_side()
    {
        await using ControllerApp app = await ControllerApp.StartAsync(build: builder => builder.Services.AddOpenApi(), map: a =>
        {
            a.MapOpenApi();
            a.MapZeroTierController();
            a.MapZeroTierControllerV1();
            a.MapZeroTierAdmin();
            a.MapGroup("/ops").MapZeroTierAdmin("/pages");
        });
        using HttpResponseMessage made = await app.Client.PostAsync("/v1/networks", JsonContent.Create(new { name = "office" }),
            Cancellation);
        Assert.StartsWith("/v1/networks/", made.Headers.Location!.ToString(), StringComparison.Ordinal);

        // What scripts of the pages call is no API.
        Assert.DoesNotContain("/admin", await ReadAsync(app, "/openapi/v1.json"), StringComparison.Ordinal);

        // Each folder has sessions of its own.
        using HttpResponseMessage nested = await PostTokenAsync(app, "/ops/pages/members", app.Token);
        string cookie = Assert.Single(nested.Headers.GetValues("Set-Cookie"));
        Assert.Contains("path=/ops/pages/;", cookie, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, "GET", "/ops/pages/api/networks", ("Cookie", cookie.Split(';')[0])));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, "GET", "/admin/api/networks", ("Cookie", cookie.Split(';')[0])));
    }

    private static Task<ControllerApp> StartAsync(Action<ZeroTierServiceOptions>? configure = null, IPAddress? from = null,
        TimeProvider? time = null) =>
        ControllerApp.StartAsync(
            configure, builder => builder.Services.AddSingleton(time ?? TimeProvider.System), app =>
                app.MapZeroTierAdmin(), from: from, sendsToken: false);

    private static FormUrlEncodedContent Form(string token) => new([KeyValuePair.Create("token", token)]);

    private static async Task<string> SignInAsync(ControllerApp app)
    {
        using HttpResponseMessage response = await PostTokenAsync(app, "/admin/", app.Token);
        Assert.Equal(HttpStatusCode.SeeOther, response.StatusCode);
        return Assert.Single(response.Headers.GetValues("Set-Cookie")).Split(';')[0];
    }

    private static Task<HttpResponseMessage> PostTokenAsync(ControllerApp app, string path, string token,
        params (string Name, string Value)[] headers) =>
        SendAsync(app, "POST", path, Form(token), headers);

    private static async Task<HttpStatusCode> CreateAsync(ControllerApp app, string session, params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage response = await SendAsync(app, "POST", "/admin/api/networks", JsonContent.Create(new { name = "x" }),
            [("Cookie", session), .. headers]);
        return response.StatusCode;
    }

    private static Task<HttpStatusCode> UseAsync(ControllerApp app, string session) =>
        StatusAsync(app, "GET", "/admin/api/networks", ("Cookie", session), (PageAccess.ScriptHeader, "use"));

    private static async Task<HttpStatusCode> StatusAsync(ControllerApp app, string method, string path,
        params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage response = await SendAsync(app, method, path, headers);
        return response.StatusCode;
    }

    private static async Task<string> ReadAsync(ControllerApp app, string path, params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage response = await SendAsync(app, "GET", path, headers);
        return await response.Content.ReadAsStringAsync(Cancellation);
    }

    private static Task<HttpResponseMessage> SendAsync(ControllerApp app, string method, string path,
        params (string Name, string Value)[] headers) =>
        SendAsync(app, method, path, null, headers);

    private static async Task<HttpResponseMessage> SendAsync(
        ControllerApp app, string method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = content };
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await app.Client.SendAsync(request, Cancellation);
    }
}
