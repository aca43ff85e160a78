using System.Net;
using Microsoft.Playwright;
using ZeroTier;
using ZeroTier.Controller;
using static Microsoft.Playwright.Assertions;

namespace Browser.Tests;

[Collection(BrowserTests.Name)]
public sealed class MemberTests(Chromium chromium)
{
    private const string Node = "0a1b2c3d4e";

    [Fact]
    public async Task A_node_that_asks_appears_at_once_and_is_authorised_at_a_click()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync($"members?network={network.Id}");
        await visit.SeesAsync(visit.Page.GetByText("Nobody waits."));

        app.Ask(network.Id, Node);
        await visit.SeesAsync(visit.Heading("Waiting (1)"));
        await Expect(visit.Page.GetByRole(AriaRole.Status)).ToHaveTextAsync($"{Node} asks to join.");
        Assert.False(app.Member(network.Id, Node).IsAuthorized);

        await visit.Button($"Authorise {Node}").ClickAsync();
        await visit.SeesAsync(visit.Heading("Authorised (1)"));
        await visit.SeesAsync(visit.Page.GetByText("Nobody waits."));
        Assert.True(app.Member(network.Id, Node).IsAuthorized);

        // The focus stays with the member. Its address, which the controller is just giving it, is no conflict with the next click.
        await Expect(visit.Button($"Shut out {Node}")).ToBeFocusedAsync();
        await visit.Button($"Shut out {Node}").ClickAsync();
        await visit.SeesAsync(visit.Heading("Waiting (1)"));
        Assert.False(app.Member(network.Id, Node).IsAuthorized);
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task A_member_is_named_given_an_address_made_a_bridge_and_removed()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync($"members?network={network.Id}");
        await visit.Page.GetByLabel("Node", new() { Exact = true }).FillAsync(Node.ToUpperInvariant());
        await visit.Button("Add").ClickAsync();

        await visit.Button($"Edit {Node}").ClickAsync();
        ILocator dialog = visit.Page.GetByRole(AriaRole.Dialog, new() { Name = $"Member {Node}" });
        await dialog.GetByLabel("Name").FillAsync("printer");
        await dialog.GetByLabel("Addresses", new() { Exact = true }).FillAsync("10.147.20.999");
        await dialog.GetByLabel("Bridge").CheckAsync();
        await visit.Button("Save").ClickAsync();
        await Expect(dialog.GetByRole(AriaRole.Alert)).ToContainTextAsync("'10.147.20.999', which is no IP address");
        await dialog.GetByLabel("Addresses", new() { Exact = true }).FillAsync("10.147.20.9\nfd00::9");
        await visit.Button("Save").ClickAsync();

        await Expect(dialog).Not.ToBeVisibleAsync();
        await visit.SeesAsync(visit.Heading("printer"));
        await visit.SeesAsync(visit.Page.GetByText("10.147.20.9", new() { Exact = true }));
        await Expect(visit.Button("Edit printer")).ToBeFocusedAsync();
        ControllerMember member = app.Member(network.Id, Node);
        Assert.Equal(("printer", true, true), (member.Name, member.IsActiveBridge, member.IsAuthorized));
        Assert.Equal([IPAddress.Parse("10.147.20.9"), IPAddress.Parse("fd00::9")], member.Addresses);

        await visit.Button("Remove printer").ClickAsync();
        await Expect(visit.Button("Cancel")).ToBeFocusedAsync();
        await visit.Button("Cancel").ClickAsync();
        Assert.NotNull(app.Controller.FindMember(network.Id, NodeId.Parse(Node)));
        await visit.Button("Remove printer").ClickAsync();
        await visit.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        await Expect(visit.Heading("printer")).Not.ToBeVisibleAsync();
        Assert.Null(app.Controller.FindMember(network.Id, NodeId.Parse(Node)));
    }

    [Fact]
    public async Task A_change_that_somebody_else_has_overtaken_is_told_in_words_and_not_lost()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await app.ChangeAsync(network.Id, Node, m => m with { IsAuthorized = true, Name = "printer" });
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync($"members?network={network.Id}");
        await visit.Button("Edit printer").ClickAsync();
        ILocator dialog = visit.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Name").FillAsync("plotter");
        await app.ChangeAsync(network.Id, Node, m => m with { Name = "scanner", IsActiveBridge = true });
        await visit.Button("Save").ClickAsync();

        await Expect(dialog.GetByRole(AriaRole.Alert)).ToContainTextAsync("Somebody else has changed this meanwhile.");
        await Expect(dialog.GetByRole(AriaRole.Alert)).ToContainTextAsync("The name is now “scanner”; yours is “plotter”.");
        await Expect(dialog.GetByRole(AriaRole.Alert)).ToContainTextAsync("Bridge is now “yes”.");
        Assert.Equal("scanner", app.Member(network.Id, Node).Name);

        // Mine goes over theirs where both have changed the same, and nowhere else.
        await visit.Button("Save mine all the same").ClickAsync();
        await Expect(dialog).Not.ToBeVisibleAsync();
        Assert.Equal(("plotter", true), (app.Member(network.Id, Node).Name, app.Member(network.Id, Node).IsActiveBridge));
    }

    [Fact]
    public async Task Everything_is_done_with_the_keyboard()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        app.Ask(network.Id, Node);
        await using Visit visit = await chromium.OpenAsync(app);
        IKeyboard keyboard = visit.Page.Keyboard;
        await visit.Page.GotoAsync("/admin/");

        // The field has the focus.
        await keyboard.TypeAsync(app.Token);
        await keyboard.PressAsync("Enter");
        await visit.SeesAsync(visit.Heading("Networks"));
        await TabToAsync(visit, "To the content");
        await TabToAsync(visit, "office");
        await keyboard.PressAsync("Enter");
        await visit.SeesAsync(visit.Heading("Waiting (1)"));
        await TabToAsync(visit, "Authorise");
        await keyboard.PressAsync("Enter");
        await visit.SeesAsync(visit.Heading("Authorised (1)"));

        // The controller gives it an address; whoever edits what was there before is asked, which is another test's matter.
        await visit.SeesAsync(visit.Page.Locator("#members").GetByText("10.147.20."));
        await TabToAsync(visit, "Edit");
        await keyboard.PressAsync("Enter");
        await Expect(visit.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Dialog).GetByLabel("Name")).ToBeFocusedAsync();
        await keyboard.TypeAsync("printer");
        await keyboard.PressAsync("Enter");
        await visit.SeesAsync(visit.Heading("printer"));
        await TabToAsync(visit, "Remove");
        await keyboard.PressAsync("Enter");
        await Expect(visit.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await keyboard.PressAsync("Escape");
        await Expect(visit.Page.GetByRole(AriaRole.Dialog)).Not.ToBeVisibleAsync();
        await Expect(visit.Button("Remove printer")).ToBeFocusedAsync();
        Assert.Equal(("printer", true), (app.Member(network.Id, Node).Name, app.Member(network.Id, Node).IsAuthorized));
    }

    private static async Task TabToAsync(Visit visit, string text)
    {
        for (int i = 0; i < 50; i++)
        {
            await visit.Page.Keyboard.PressAsync("Tab");
            if (await visit.Page.EvaluateAsync<string>("document.activeElement.textContent.trim()") == text)
            {
                return;
            }
        }

        Assert.Fail($"Fifty presses of the tabulator do not lead to '{text}'.");
    }
}
