using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using ZeroTier.Controller;
using static Microsoft.Playwright.Assertions;

namespace Browser.Tests;

[Collection(BrowserTests.Name)]
public sealed class SafetyTests(Chromium chromium)
{
    private const string Markup = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

    [Fact]
    public async Task Names_are_text_whatever_they_hold()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        ControllerNetwork network = await app.CreateNetworkAsync(Markup);
        await app.ChangeAsync(network.Id, "0a1b2c3d4e", m => m with { IsAuthorized = true, Name = Markup });
        await using Visit visit = await chromium.OpenAsync(app);
        foreach (string page in (string[])["", $"members?network={network.Id}", $"settings?network={network.Id}", "audit"])
        {
            await visit.GoAsync(page);
            await visit.SeesAsync(visit.Page.GetByText("<img src=x onerror").First);
            Assert.Equal(0, await visit.Page.Locator("main img").CountAsync());
            Assert.NotEqual("owned", await visit.Page.TitleAsync());
        }

        await visit.GoAsync($"members?network={network.Id}");
        await visit.Button($"Remove {Markup}").ClickAsync();
        await visit.SeesAsync(visit.Page.GetByRole(AriaRole.Dialog).GetByText(Markup));
        await visit.Button("Cancel").ClickAsync();
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task The_browser_would_run_no_script_and_load_no_picture_from_elsewhere()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync();
        await visit.Page.EvaluateAsync(
            """
            () => {
              const script = document.createElement('script');
              const picture = document.createElement('img');
              picture.src = 'http://127.0.0.2:9/x.png';
              document.body.append(script, picture);
              try { picture.setAttribute('onerror', "document.title = 'owned'"); } catch {}
              try { script.textContent = "document.title = 'owned'"; } catch {}
              try { document.body.innerHTML = '<b>owned</b>'; } catch {}
            }
            """);
        await Expect(visit.Heading("Networks")).ToBeVisibleAsync();
        Assert.NotEqual("owned", await visit.Page.TitleAsync());
        Assert.Contains(visit.Complaints, text => text.Contains("img-src 'self'", StringComparison.Ordinal));
        Assert.Contains(visit.Complaints, text => text.Contains("TrustedHTML", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task A_page_of_another_origin_changes_nothing(string host)
    {
        await using AdminApp app = await AdminApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync();
        await visit.SeesAsync(visit.Heading("Networks"));

        // On 127.0.0.1 the cookie is sent along: other ports are the same site.
        await using WebApplication other = await StartForeignAsync(app.Address);
        var address = new UriBuilder(other.Urls.First()) { Host = host };
        await visit.Page.GotoAsync(address.Uri.ToString());
        await Expect(visit.Page.Locator("#outcome")).ToHaveTextAsync("done");
        Assert.Empty(app.Controller.Networks);

        IResponse form = await visit.Page.RunAndWaitForResponseAsync(
            () => visit.Page.GetByRole(AriaRole.Button, new() { Name = "form" }).ClickAsync(),
            response => response.Request.Method == "POST");
        Assert.InRange(form.Status, 400, 499);
        Assert.Contains(("POST", 403), app.Statuses);
        Assert.DoesNotContain(("POST", 201), app.Statuses);
        Assert.Empty(app.Controller.Networks);
    }

    [Fact]
    public async Task No_page_of_another_origin_shows_ours_in_a_frame()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app);
        await using WebApplication other = await StartForeignAsync(app.Address);
        await visit.Page.GotoAsync(other.Urls.First() + "/frame");
        await Expect(visit.Page.Locator("iframe")).ToBeVisibleAsync();
        await Expect(visit.Page.FrameLocator("iframe").GetByLabel("Token")).ToHaveCountAsync(0);
        Assert.Contains(visit.Complaints, text => text.Contains("frame-ancestors 'none'", StringComparison.Ordinal));
    }

    private static async Task<WebApplication> StartForeignAsync(Uri target)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        app.MapGet("/", () => TypedResults.Content(
            $$"""
            <!doctype html><title>other</title><p id="outcome"></p>
            <form method="post" action="{{target}}admin/api/networks" enctype="text/plain">
              <input name='{"name":"forged","x":"' value='"}'><button>form</button>
            </form>
            <script>
              const send = options => fetch('{{target}}admin/api/networks', {
                method: 'POST', credentials: 'include', body: new Blob(['{"name":"forged"}']), ...options,
              }).catch(() => {});
              Promise.all([send({ mode: 'no-cors' }), send({ headers: { 'X-ZeroTier-Page': 'use' } })]).then(() => {
                document.getElementById('outcome').textContent = 'done';
              });
            </script>
            """,
            "text/html"));
        app.MapGet("/frame", () => TypedResults.Content(
            $"""<!doctype html><title>frame</title><iframe src="{target}admin/" width="400" height="300"></iframe>""", "text/html"));
        await app.StartAsync();
        return app;
    }
}
