using Microsoft.Playwright;
using ZeroTier;
using ZeroTier.Testing;
using static Microsoft.Playwright.Assertions;

namespace Browser.Tests;

/// <summary>The page that shows how a node is.</summary>
[Collection(BrowserTests.Name)]
public sealed class StatusTests(Chromium chromium)
{
    [Fact]
    public async Task It_shows_the_node_and_follows_what_happens_to_it()
    {
        await using StatusApp app = await StatusApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync();
        ILocator summary = visit.Page.Locator("#summary");
        await Expect(summary).ToHaveTextAsync("Ready");
        await Expect(visit.Page.Locator("#node")).ToContainTextAsync(app.Node.Id.ToString());
        await Expect(visit.Page.Locator("#networks")).ToContainTextAsync(TestNetwork.Network.ToString());
        await Expect(visit.Page.Locator("#endpoints")).ToContainTextAsync("8080");
        await visit.Page.EvaluateAsync("window.loadedOnce = true");

        NodeId caller = await app.CallAsync();
        await Expect(visit.Page.Locator("#peers")).ToContainTextAsync(caller.ToString());
        await Expect(visit.Page.Locator("#peers")).ToContainTextAsync("directly at");
        await Expect(visit.Page.Locator("#rates")).ToContainTextAsync("Receiving");
        Assert.NotEqual("", await visit.Page.Locator("#received").GetAttributeAsync("points"));

        await app.Node.LeaveAsync(TestNetwork.Network, TestContext.Current.CancellationToken);
        await Expect(summary).ToHaveTextAsync("Not ready");
        await Expect(visit.Page.Locator("#why")).ToContainTextAsync($"Network {TestNetwork.Network} is not ready");
        await Expect(visit.Page.Locator("#events")).ToContainTextAsync("NetworkDown");

        await app.Node.JoinAsync(TestNetwork.Network, TestContext.Current.CancellationToken);
        await Expect(summary).ToHaveTextAsync("Ready");
        Assert.True(await visit.Page.EvaluateAsync<bool>("window.loadedOnce === true"));
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task It_says_when_the_app_has_gone()
    {
        await using StatusApp app = await StatusApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync();
        await Expect(visit.Page.Locator("#summary")).ToHaveTextAsync("Ready");
        await app.EndAsync();
        await Expect(visit.Page.Locator("#stale")).ToBeVisibleAsync();
        await Expect(visit.Page.Locator("#summary")).ToHaveTextAsync("Unknown");
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(320, ColorScheme.Light)]
    [InlineData(320, ColorScheme.Dark)]
    public async Task It_is_accessible(int width, ColorScheme scheme)
    {
        await using StatusApp app = await StatusApp.StartAsync();
        await app.CallAsync();
        await using Visit visit = await chromium.OpenAsync(app, width, scheme);
        await visit.GoAsync();
        await Expect(visit.Page.Locator("#summary")).ToHaveTextAsync("Ready");
        await visit.CheckLookAsync("status");
        await visit.Page.Keyboard.PressAsync("Tab");
        await Expect(visit.Page.Locator(".skip")).ToBeFocusedAsync();
        Assert.Empty(visit.Complaints);
    }

    /// <summary>Makes the picture of the README: ZT_SCREENSHOTS names the folder.</summary>
    [Fact]
    public async Task A_picture_is_made_on_demand()
    {
        string? folder = Environment.GetEnvironmentVariable("ZT_SCREENSHOTS");
        Assert.SkipWhen(folder is null, "ZT_SCREENSHOTS names no folder for the picture.");
        await using StatusApp app = await StatusApp.StartAsync();
        await app.CallAsync();
        await using Visit visit = await chromium.OpenAsync(app, 960);
        await visit.GoAsync();
        for (int i = 0; i < 12; i++)
        {
            await app.CallAsync();
            await visit.Page.WaitForTimeoutAsync(700);
        }

        await visit.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder!, "status.png") });
    }
}
