using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Time.Testing;
using Microsoft.Playwright;
using ZeroTier.Controller;
using static Microsoft.Playwright.Assertions;

namespace Browser.Tests;

[Collection(BrowserTests.Name)]
public sealed class SignInTests(Chromium chromium)
{
    [Fact]
    public async Task A_person_signs_in_with_the_token_and_out_again()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await using Visit visit = await chromium.OpenAsync(app);

        // The page that was asked for is the one that follows.
        await visit.Page.GotoAsync($"/admin/members?network={network.Id}");
        await visit.SeesAsync(visit.Heading("Sign in"));
        await Expect(visit.Page.GetByText("office")).Not.ToBeVisibleAsync();
        await visit.SignInAsync(app.Token);
        await visit.SeesAsync(visit.Heading("Members"));
        await visit.SeesAsync(visit.Page.GetByText("office"));

        await visit.Button("Sign out").ClickAsync();
        await visit.SeesAsync(visit.Heading("Sign in"));
        await visit.Page.GotoAsync("/admin/");
        await visit.SeesAsync(visit.Heading("Sign in"));
        Assert.Empty(await visit.Context.CookiesAsync());
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task A_wrong_token_is_refused_in_words()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.Page.GotoAsync("/admin/");
        await visit.SignInAsync("abcdefghijklmnopqrstuvwx");

        await Expect(visit.Alert).ToHaveTextAsync("That is not the token.");
        await visit.SeesAsync(visit.Heading("Sign in"));
        Assert.Empty(await visit.Context.CookiesAsync());
        await visit.SignInAsync(app.Token);
        await visit.SeesAsync(visit.Heading("Networks"));
    }

    [Fact]
    public async Task A_session_that_ends_loses_nothing_that_was_typed()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using AdminApp app = await AdminApp.StartAsync(time: time);
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync($"settings?network={network.Id}");
        await visit.Page.GetByLabel("Name").FillAsync("head office");

        time.Advance(TimeSpan.FromMinutes(31));
        await visit.Button("Save").ClickAsync();
        ILocator dialog = visit.Page.GetByRole(AriaRole.Dialog, new() { Name = "Your session has ended" });
        await visit.SeesAsync(dialog);

        IPage second = await visit.Context.RunAndWaitForPageAsync(() => visit.Page.GetByText("Sign in again in a new tab").ClickAsync());
        await second.GetByLabel("Token", new() { Exact = true }).FillAsync(app.Token);
        await second.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(second.GetByRole(AriaRole.Heading, new() { Name = "Networks" })).ToBeVisibleAsync();
        await second.CloseAsync();
        await visit.Button("Go on").ClickAsync();
        await Expect(dialog).Not.ToBeVisibleAsync();
        await visit.Button("Save").ClickAsync();

        await Expect(visit.Page.GetByRole(AriaRole.Status)).ToHaveTextAsync("The settings are saved.");
        Assert.Equal("head office", app.Controller.FindNetwork(network.Id)!.Name);
    }

    [Fact]
    public async Task Live_events_end_with_the_session()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using AdminApp app = await AdminApp.StartAsync(time: time);
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync($"members?network={network.Id}");

        // It follows what happens.
        await visit.SeesAsync(visit.Page.GetByText("Nobody waits."));
        await visit.SeesAsync(visit.Button("Sign out"));
        await visit.SeesAsync(visit.Page.GetByText("office"));

        time.Advance(TimeSpan.FromMinutes(31));

        await visit.SeesAsync(visit.Page.GetByRole(AriaRole.Dialog, new() { Name = "Your session has ended" }));
        app.Ask(network.Id, "0a1b2c3d4e");
        await Expect(visit.Page.GetByText("0a1b2c3d4e")).Not.ToBeVisibleAsync();
    }

    [Fact]
    public async Task Users_of_a_policy_need_no_token_and_are_named_in_the_audit_trail()
    {
        await using AdminApp app = await AdminApp.StartAsync(HeaderUsers.Add, pages => pages.RequireAuthorization());
        await using Visit stranger = await chromium.OpenAsync(app);
        Assert.Equal(401, (await stranger.Page.APIRequest.GetAsync("/admin/")).Status);

        await using Visit visit = await chromium.OpenAsync(app, headers: new Dictionary<string, string> { [HeaderUsers.Header] = "ann" });
        await visit.Page.GotoAsync("/admin/");
        await visit.SeesAsync(visit.Page.GetByText("ann", new() { Exact = true }));
        await Expect(visit.Button("Sign out")).Not.ToBeVisibleAsync();
        await visit.Page.GetByLabel("Name").FillAsync("lab");
        await visit.Button("Create network").ClickAsync();
        await visit.SeesAsync(visit.Heading("Members"));
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "Audit trail" }).First.ClickAsync();
        await Expect(visit.Page.Locator("#entries")).ToContainTextAsync(new Regex("ann: network.create"));
        Assert.Empty(visit.Complaints);
    }
}
