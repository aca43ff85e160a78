using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore.Tests;

/// <summary>Who gets in (docs/protocol/5-http-api.md 5.2).</summary>
public sealed class AuthenticationTests
{
    [Theory]
    [InlineData("/controller")]
    [InlineData("/controller/network")]
    [InlineData("/controller/nothing")]
    [InlineData("/unstable/controller/network")]
    [InlineData("/unstable/controller/nothing")]
    public async Task Without_token_every_path_is_refused_alike(string path)
    {
        await using ControllerApp app = await ControllerApp.StartAsync(sendsToken: false);

        Assert.Equal((HttpStatusCode.Unauthorized, "{}"), await app.SendAsync("GET", path));
        Assert.Equal((HttpStatusCode.Unauthorized, "{}"), await app.SendAsync("POST", path, "{}"));
    }

    [Fact]
    public async Task Token_over_kestrel_on_loopback_gets_in_and_a_wrong_one_does_not()
    {
        await using ControllerApp app = await ControllerApp.StartAsync(onKestrel: true, sendsToken: false);

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("X-ZT1-Auth", app.Token)));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("x-zt1-auth", app.Token + "  ")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("Authorization", "Bearer " + app.Token)));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("Authorization", "bearer " + app.Token)));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, ("Authorization", "token " + app.Token)));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, ("X-ZT1-Auth", app.Token.ToUpperInvariant())));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, ("X-ZT1-Auth", app.Token[..^1])));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, ("X-ZT1-Auth", app.Token + "x")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, ("X-ZT1-Auth", "")));

        // The first place that has one decides.
        Assert.Equal(
            HttpStatusCode.Unauthorized, await StatusAsync(app, ("X-ZT1-Auth", "wrong"), ("Authorization", "Bearer " + app.Token)));
    }

    [Fact]
    public async Task Token_in_the_url_counts_only_where_asked_for()
    {
        await using ControllerApp closed = await ControllerApp.StartAsync(sendsToken: false);
        await using ControllerApp open = await ControllerApp.StartAsync(options => options.AllowsTokenInQuery = true, sendsToken: false);

        Assert.Equal(HttpStatusCode.Unauthorized, (await closed.SendAsync("GET", "/controller/network?auth=" + closed.Token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await open.SendAsync("GET", "/controller/network?auth=" + open.Token)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await open.SendAsync("GET", "/controller/network?auth=")).Status);
    }

    [Fact]
    public async Task Token_file_is_made_for_the_owner_only_and_kept()
    {
        await using ControllerApp app = await ControllerApp.StartAsync();
        string token = app.Token;

        Assert.Matches("^[a-z0-9]{24}$", token);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(app.TokenPath));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                File.GetUnixFileMode(Path.GetDirectoryName(app.TokenPath)!));
        }

        // White space around it does not count.
        File.AppendAllText(app.TokenPath, " \r\n");
        await using ControllerApp second = await ControllerApp.StartAsync(options => options.TokenPath = app.TokenPath, sendsToken: false);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(second, ("X-ZT1-Auth", token)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    public async Task Token_that_is_easily_guessed_lets_nobody_in(string content)
    {
        string path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, content, TestContext.Current.CancellationToken);
        await using ControllerApp app = await ControllerApp.StartAsync(options => options.TokenPath = path, sendsToken: false);

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, ("X-ZT1-Auth", content)));
        File.Delete(path);
    }

    [Fact]
    public async Task Other_machines_are_refused_unless_an_option_names_them()
    {
        await using ControllerApp far = await ControllerApp.StartAsync(from: IPAddress.Parse("10.9.0.3"));
        await using ControllerApp mapped = await ControllerApp.StartAsync(from: IPAddress.Parse("::ffff:10.9.0.3"));
        await using ControllerApp named = await ControllerApp.StartAsync(
            options => options.TokenNetworks.Add(IPNetwork.Parse("10.9.0.0/24")), from: IPAddress.Parse("::ffff:10.9.0.3"));
        await using ControllerApp near = await ControllerApp.StartAsync(from: IPAddress.IPv6Loopback);

        Assert.Equal((HttpStatusCode.Unauthorized, "{}"), await far.SendAsync("GET", "/controller/network"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(mapped));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(named));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(near));

        // A proxy on this machine makes everybody look near.
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(near, ("X-Forwarded-For", "198.51.100.7")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(near, ("Forwarded", "for=198.51.100.7")));
    }

    [Fact]
    public async Task Pages_of_other_origins_are_refused()
    {
        await using ControllerApp app = await ControllerApp.StartAsync();

        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, ("Origin", "http://example.com")));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, ("Origin", "null")));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, ("Origin", "https://localhost")));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, ("Sec-Fetch-Site", "cross-site")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("Origin", "http://localhost"), ("Sec-Fetch-Site", "same-origin")));
    }

    [Fact]
    public async Task Names_that_a_page_can_give_itself_are_refused()
    {
        await using ControllerApp app = await ControllerApp.StartAsync(options => options.TokenHosts.Add("zt.example"));

        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, ("Host", "rebound.example")));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, ("Host", "localhost.rebound.example:80")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("Host", "ZT.example:9993")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("Host", "127.0.0.1:9993")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("Host", "[::1]:9993")));
    }

    [Fact]
    public async Task Policy_decides_in_place_of_the_token_and_from_anywhere()
    {
        await using ControllerApp app = await WithPolicyAsync(api => api.RequireAuthorization());

        // The token is in the request.
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("X-User", "ann")));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, ("X-User", "ann"), ("Origin", "http://example.com")));

        using var request = new HttpRequestMessage(HttpMethod.Post, "/controller/network") { Content = new StringContent("{}") };
        request.Headers.Add("X-User", "ann");
        await app.Client.SendAsync(request, TestContext.Current.CancellationToken);
        List<AuditEntry> audit = await app.Controller.ReadAuditAsync(new AuditQuery(),
            TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal("ann", Assert.Single(audit).Actor.Name);
    }

    [Fact]
    public async Task Anonymous_users_of_an_endpoint_that_is_open_to_them_need_the_token()
    {
        await using ControllerApp app = await WithPolicyAsync(
            api => api.RequireAuthorization().AllowAnonymous(), IPAddress.Loopback, sendsToken: false);

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, ("X-User", "ann")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ("X-ZT1-Auth", app.Token)));
    }

    private static Task<ControllerApp> WithPolicyAsync(
        Action<IEndpointConventionBuilder> protect, IPAddress? from = null, bool sendsToken = true) =>
        ControllerApp.StartAsync(
        build: builder =>
        {
            builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, UserHeader>("test", null);
            builder.Services.AddAuthorization();
        },
        map: app => protect(app.MapZeroTierController()),
        from: from ?? IPAddress.Parse("203.0.113.9"),
        sendsToken: sendsToken);

    private static async Task<HttpStatusCode> StatusAsync(ControllerApp app, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/controller/network");
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using HttpResponseMessage response = await app.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    /// <summary>Believes a header.</summary>
    private sealed class UserHeader(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (!Request.Headers.TryGetValue("X-User", out var user))
            {
                return Task.FromResult(AuthenticateResult.NoResult());
            }

            var principal = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user.ToString())], Scheme.Name));
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(principal, Scheme.Name)));
        }
    }
}
