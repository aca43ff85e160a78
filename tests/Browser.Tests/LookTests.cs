using System.Net;
using Microsoft.Playwright;
using ZeroTier.Controller;
using static Microsoft.Playwright.Assertions;

namespace Browser.Tests;

/// <summary>How the pages look to people with eyes, with a narrow window, with a dark room, with a screen reader.</summary>
[Collection(BrowserTests.Name)]
public sealed class LookTests(Chromium chromium)
{
    private const string Waiting = "0a1b2c3d4e";
    private const string Member = "1122334455";
    private const string LongName = "a printer with a name that is long enough to need a second line";
    private static readonly string[] Pages = ["", "members", "settings", "rules", "tokens", "audit"];

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(320, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    public async Task Every_page_is_accessible(int width, ColorScheme scheme)
    {
        await using AdminApp app = await AdminApp.StartAsync();
        string query = await FillAsync(app);
        await using Visit visit = await chromium.OpenAsync(app, width, scheme);
        await visit.Page.GotoAsync("/admin/");
        await visit.CheckLookAsync("sign-in");
        foreach (string page in Pages)
        {
            await visit.GoAsync(page.Length == 0 ? "" : page + query);
            await visit.Page.WaitForLoadStateAsync(LoadState.Load);
            await Expect(visit.Page.Locator("[aria-busy=true], form[hidden]")).ToHaveCountAsync(0);
            await visit.SeesAsync(visit.Button("Sign out"));
            await visit.CheckLookAsync(page);
        }

        await visit.GoAsync("members" + query);
        await visit.Button($"Edit {LongName}").ClickAsync();
        await visit.CheckLookAsync("member");
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task Dark_and_light_follow_the_system()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        await using Visit dark = await chromium.OpenAsync(app, scheme: ColorScheme.Dark);
        await using Visit light = await chromium.OpenAsync(app);

        Assert.True(await LightnessAsync(light) > 200);
        Assert.True(await LightnessAsync(dark) < 60);
    }

    /// <summary>Makes the pictures of the documentation: ZT_SCREENSHOTS names the folder.</summary>
    [Fact]
    public async Task Pictures_of_the_documentation_are_made_on_demand()
    {
        string? folder = Environment.GetEnvironmentVariable("ZT_SCREENSHOTS");
        Assert.SkipWhen(folder is null, "ZT_SCREENSHOTS names no folder for the pictures.");
        await using AdminApp app = await AdminApp.StartAsync();
        string query = await FillAsync(app);
        foreach ((string page, int width, ColorScheme scheme) in ((string, int, ColorScheme)[])
            [("members", 960, ColorScheme.Light), ("rules", 960, ColorScheme.Dark), ("members", 320, ColorScheme.Dark)])
        {
            await using Visit visit = await chromium.OpenAsync(app, width, scheme);
            await visit.GoAsync(page + query);
            await Expect(visit.Page.Locator("[aria-busy=true], form[hidden]")).ToHaveCountAsync(0);
            await visit.SeesAsync(visit.Button("Sign out"));
            if (page == "rules")
            {
                await visit.Page.GetByLabel("What members may send each other").FillAsync(
                    "drop\n  not ethertype ipv4\n  and not ethertypo arp\n;\naccept;\n");
                await Expect(visit.Page.Locator("#lines .wrong")).ToHaveCountAsync(1);
            }

            await visit.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder!, $"admin-{page}-{width}.png") });
        }
    }

    private static async Task<string> FillAsync(AdminApp app)
    {
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await app.Controller.CreateJoinTokenAsync(network.Id, DateTimeOffset.UtcNow.AddDays(1), new Actor("ann"));
        await app.ChangeAsync(network.Id, Member, m => m with { IsAuthorized = true, Name = LongName });
        await app.ChangeAsync(
            network.Id, "2233445566", m => m with { IsAuthorized = true, Name = "api", Addresses = [IPAddress.Parse("10.147.20.1")] });
        app.Ask(network.Id, Waiting);
        app.Ask(network.Id, Member);
        return $"?network={network.Id}";
    }

    private static async Task<int> LightnessAsync(Visit visit)
    {
        await visit.Page.GotoAsync("/admin/");
        return await visit.Page.EvaluateAsync<int>("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])");
    }
}
