using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ZeroTier.Service.AspNetCore.Tests;

/// <summary>
/// Who gets in at the node's API (docs/protocol/5-http-api.md 5.2). What all APIs have in common is tested with the controller's, too.
/// </summary>
public sealed class AccessTests
{
    [Theory]
    [InlineData("/status")]
    [InlineData("/config")]
    [InlineData("/network")]
    [InlineData("/network/nothing")]
    [InlineData("/peer")]
    [InlineData("/moon")]
    [InlineData("/metrics")]
    [InlineData("/bond/show/8056c2e21c")]
    public async Task Without_token_every_path_is_refused_alike(string path)
    {
        await using ServiceApp app = await ServiceApp.StartAsync(sendsToken: false);

        foreach (string method in (string[])["GET", "POST", "DELETE"])
        {
            Assert.Equal((HttpStatusCode.Unauthorized, "application/json", "{}"), await app.SendAsync(method, path));
        }
    }

    [Fact]
    public async Task Health_needs_no_token_but_nearness()
    {
        await using ServiceApp near = await ServiceApp.StartAsync(sendsToken: false);
        await using ServiceApp far = await ServiceApp.StartAsync(from: IPAddress.Parse("10.9.0.3"));

        Assert.Equal(HttpStatusCode.OK, await near.StatusAsync("/health"));
        Assert.Equal(HttpStatusCode.Forbidden, await near.StatusAsync("/health", ("Origin", "http://example.com")));
        Assert.Equal(HttpStatusCode.Forbidden, await near.StatusAsync("/health", ("Host", "rebound.example")));
        Assert.Equal(HttpStatusCode.Unauthorized, await far.StatusAsync("/health"));
    }

    [Fact]
    public async Task Metrics_token_opens_the_metrics_alone()
    {
        await using ServiceApp app = await ServiceApp.StartAsync(sendsToken: false);

        Assert.NotEqual(app.Token, app.MetricsToken);
        Assert.Equal(HttpStatusCode.OK, await app.StatusAsync("/metrics", ("Authorization", "Bearer " + app.MetricsToken)));
        Assert.Equal(HttpStatusCode.OK, await app.StatusAsync("/metrics", ("X-ZT1-Auth", app.Token)));
        Assert.Equal(HttpStatusCode.Unauthorized, await app.StatusAsync("/status", ("X-ZT1-Auth", app.MetricsToken)));
        Assert.Equal(HttpStatusCode.Unauthorized, await app.StatusAsync("/metrics", ("X-ZT1-Auth", app.MetricsToken + "x")));
    }

    [Fact]
    public async Task Other_machines_are_refused_unless_an_option_names_them()
    {
        await using ServiceApp far = await ServiceApp.StartAsync(from: IPAddress.Parse("10.9.0.3"));
        await using ServiceApp named = await ServiceApp.StartAsync(
            options => options.TokenNetworks.Add(IPNetwork.Parse("10.9.0.0/24")), from: IPAddress.Parse("10.9.0.3"));

        Assert.Equal(HttpStatusCode.Unauthorized, await far.StatusAsync("/status"));
        Assert.Equal(HttpStatusCode.Unauthorized, await far.StatusAsync("/metrics"));
        Assert.Equal(HttpStatusCode.OK, await named.StatusAsync("/status"));
        Assert.Equal(HttpStatusCode.OK, await named.StatusAsync("/metrics"));
    }

    [Fact]
    public async Task Pages_of_other_origins_and_names_are_refused()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();

        Assert.Equal(HttpStatusCode.Forbidden, await app.StatusAsync("/status", ("Origin", "http://example.com")));
        Assert.Equal(HttpStatusCode.Forbidden, await app.StatusAsync("/status", ("Sec-Fetch-Site", "cross-site")));
        Assert.Equal(HttpStatusCode.Forbidden, await app.StatusAsync("/status", ("Host", "rebound.example")));
        Assert.Equal(HttpStatusCode.OK, await app.StatusAsync("/status", ("Host", "[::1]:9993")));
    }

    [Fact]
    public async Task Policy_decides_in_place_of_the_token_and_from_anywhere()
    {
        await using ServiceApp app = await ServiceApp.StartAsync(
            build: builder =>
            {
                builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, UserHeader>("test", null);
                builder.Services.AddAuthorization();
            },
            map: app => app.MapZeroTierService().RequireAuthorization(),
            from: IPAddress.Parse("203.0.113.9"));

        // The token is in the request.
        Assert.Equal(HttpStatusCode.Unauthorized, await app.StatusAsync("/status"));
        Assert.Equal(HttpStatusCode.Unauthorized, await app.StatusAsync("/health"));
        Assert.Equal(HttpStatusCode.OK, await app.StatusAsync("/status", ("X-User", "ann")));
        Assert.Equal(HttpStatusCode.OK, await app.StatusAsync("/metrics", ("X-User", "ann")));
    }

    [Fact]
    public async Task Paths_outside_the_api_are_the_apps()
    {
        await using ServiceApp app = await ServiceApp.StartAsync(
            map: app =>
            {
                app.MapZeroTierService();
                app.MapGet("/", () => "the app's");
                app.MapGet("/orders", () => "the app's");
            },
            sendsToken: false);

        Assert.Equal("the app's", (await app.SendAsync("GET", "/")).Text);
        Assert.Equal("the app's", (await app.SendAsync("GET", "/orders")).Text);
        Assert.Equal(HttpStatusCode.NotFound, await app.StatusAsync("/else"));
    }

    [Fact]
    public async Task Api_under_a_prefix_is_found_there_alone()
    {
        await using ServiceApp app = await ServiceApp.StartAsync(map: app => app.MapZeroTierService("/zt"));

        Assert.Equal(HttpStatusCode.OK, await app.StatusAsync("/zt/status"));
        Assert.Equal(HttpStatusCode.NotFound, await app.StatusAsync("/status"));
    }

    [Fact]
    public void Mapping_without_the_service_says_what_to_call() => Assert.Contains(
        "AddZeroTierService",
        Assert.Throws<InvalidOperationException>(() => WebApplication.CreateSlimBuilder().Build().MapZeroTierService()).Message,
        StringComparison.Ordinal);

    /// <summary>Believes a header.</summary>
    private sealed class UserHeader(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() =>
            Task.FromResult(Request.Headers.TryGetValue("X-User", out var user)
                ? AuthenticateResult.Success(new AuthenticationTicket(
                    new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user.ToString())], Scheme.Name)), Scheme.Name))
                : AuthenticateResult.NoResult());
    }
}
