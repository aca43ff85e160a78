using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using ZeroTier;
using ZeroTier.Controller;
using static Microsoft.Playwright.Assertions;

namespace Browser.Tests;

[Collection(BrowserTests.Name)]
public sealed class NetworkTests(Chromium chromium)
{
    [Fact]
    public async Task A_network_is_created_set_and_deleted_after_a_question()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync();
        await visit.SeesAsync(visit.Page.GetByText("There is no network yet."));
        await visit.Page.GetByLabel("Name").FillAsync("office");
        await visit.Page.GetByLabel("IPv4 range").FillAsync("10.20.0.77/99");
        await visit.Button("Create network").ClickAsync();
        await Expect(visit.Alert).ToContainTextAsync("is no range of IPv4 addresses");
        await visit.Page.GetByLabel("IPv4 range").FillAsync("10.20.0.77/22");
        await visit.Button("Create network").ClickAsync();
        await visit.SeesAsync(visit.Heading("Members"));

        ControllerNetwork network = app.Controller.Networks.Single();
        Assert.Equal(("office", true, true), (network.Name, network.IsPrivate, network.AssignsIPv4));
        Assert.Equal(new NetworkRoute(IPAddress.Parse("10.20.0.0"), 22, null), Assert.Single(network.Routes));
        Assert.Equal(new AddressPool(IPAddress.Parse("10.20.0.1"), IPAddress.Parse("10.20.3.254")), Assert.Single(network.AddressPools));

        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "Settings" }).ClickAsync();
        await visit.Page.GetByLabel("Public").CheckAsync();
        await visit.Page.GetByLabel("Routes").FillAsync("10.20.0.0/22\n10.9.0.0/16 via 10.20.0.1");
        await visit.Page.GetByLabel("Address pools").FillAsync("10.20.1.1-10.20.1.99");
        await visit.Page.GetByLabel("RFC 4193").CheckAsync();
        await visit.Page.GetByLabel("DNS domain").FillAsync("corp.example");
        await visit.Page.GetByLabel("DNS servers").FillAsync("10.20.0.1");
        await visit.Page.GetByLabel("MTU").FillAsync("1400");
        await visit.Button("Save").ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Status)).ToHaveTextAsync("The settings are saved.");
        network = app.Controller.Networks.Single();
        Assert.Equal((false, 1400, IPv6Assignment.Rfc4193), (network.IsPrivate, network.Mtu, network.IPv6Assignment));
        Assert.Equal(IPAddress.Parse("10.20.0.1"), network.Routes[1].Via);
        Assert.Equal(IPAddress.Parse("10.20.1.99"), Assert.Single(network.AddressPools).Last);
        Assert.Equal("corp.example", network.Dns!.Domain);

        await visit.Page.GetByLabel("Routes").FillAsync("nonsense");
        await visit.Button("Save").ClickAsync();
        await Expect(visit.Alert).ToContainTextAsync("'nonsense', which is no network");
        Assert.Equal(2, app.Controller.Networks.Single().Routes.Length);

        await visit.Button("Delete network").ClickAsync();
        ILocator dialog = visit.Page.GetByRole(AriaRole.Dialog, new() { Name = "Delete office?" });
        await visit.SeesAsync(dialog);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        Assert.Single(app.Controller.Networks);
        await visit.Button("Delete network").ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Delete network" }).ClickAsync();
        await visit.SeesAsync(visit.Page.GetByText("There is no network yet."));
        Assert.Empty(app.Controller.Networks);
    }

    [Fact]
    public async Task Settings_that_somebody_else_has_changed_are_told_in_words()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync($"settings?network={network.Id}");
        await visit.Page.GetByLabel("MTU").FillAsync("1500");
        await app.ChangeAsync(network.Id, n => n with { Name = "headquarters", Mtu = 1400 });
        await visit.Button("Save").ClickAsync();

        await Expect(visit.Alert).ToContainTextAsync("The name is now “headquarters”.");
        await Expect(visit.Alert).ToContainTextAsync("The MTU is now “1400”; yours is “1500”.");
        Assert.Equal(1400, app.Controller.FindNetwork(network.Id)!.Mtu);
        await visit.Button("Take what is there").ClickAsync();
        await Expect(visit.Page.GetByLabel("MTU")).ToHaveValueAsync("1400");
        await Expect(visit.Page.GetByLabel("Name")).ToHaveValueAsync("headquarters");

        // What the page does not show is no conflict.
        await app.ChangeAsync(network.Id, n => n with { RulesSource = "accept;" });
        await visit.Page.GetByLabel("MTU").FillAsync("1500");
        await visit.Button("Save").ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Status)).ToHaveTextAsync("The settings are saved.");
        Assert.Equal(1500, app.Controller.FindNetwork(network.Id)!.Mtu);
    }

    [Fact]
    public async Task Errors_of_rules_are_shown_at_their_line()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync($"rules?network={network.Id}");
        ILocator source = visit.Page.GetByLabel("What members may send each other");
        await Expect(source).ToHaveValueAsync(new Regex("accept"));
        await source.FillAsync("drop\n  not ethertypo ipv4\n;\naccept;\n");

        // While it is written.
        ILocator error = visit.Page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^Line 2, column 7: ") });
        await visit.SeesAsync(error);
        await Expect(source).ToHaveAttributeAsync("aria-invalid", "true");
        await Expect(visit.Page.Locator("#lines .wrong")).ToHaveTextAsync("2");
        await error.ClickAsync();
        await Expect(source).ToBeFocusedAsync();
        string selected = await source.EvaluateAsync<string>("area => area.value.slice(area.selectionStart, area.selectionEnd)");
        Assert.Equal("ethertypo ipv4", selected);

        await visit.Button("Save rules").ClickAsync();
        await visit.SeesAsync(error);
        Assert.Equal("", app.Controller.FindNetwork(network.Id)!.RulesSource);

        await source.FillAsync("drop\n  not ethertype ipv4\n;\naccept;\n");
        await visit.SeesAsync(visit.Page.GetByText("The rules compile."));
        await Expect(visit.Page.Locator("#lines .wrong")).ToHaveCountAsync(0);
        await visit.Button("Save rules").ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Status).Last).ToHaveTextAsync("The rules are saved, and members are told.");
        Assert.Equal(3, app.Controller.FindNetwork(network.Id)!.Rules.Length);
    }

    [Fact]
    public async Task A_join_token_is_shown_once_and_revoked()
    {
        await using AdminApp app = await AdminApp.StartAsync();
        ControllerNetwork network = await app.CreateNetworkAsync("office");
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.GoAsync($"tokens?network={network.Id}");
        await visit.SeesAsync(visit.Page.GetByText("There is none."));
        await visit.Page.GetByLabel("Valid for").SelectOptionAsync("a week");
        await visit.Button("Make token").ClickAsync();
        await visit.SeesAsync(visit.Page.GetByLabel("The new token"));
        (string secret, DateTimeOffset? expires) = Assert.Single(app.Controller.FindNetwork(network.Id)!.JoinTokens);
        Assert.Equal(secret, await visit.Page.GetByLabel("The new token").InputValueAsync());
        Assert.InRange(expires!.Value - DateTimeOffset.UtcNow, TimeSpan.FromDays(6.9), TimeSpan.FromDays(7));

        await visit.Page.ReloadAsync();
        await visit.SeesAsync(visit.Page.GetByText("until"));
        Assert.DoesNotContain(secret, await visit.Page.ContentAsync(), StringComparison.Ordinal);
        await visit.Page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^Revoke token ") }).ClickAsync();
        await visit.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Revoke" }).ClickAsync();
        await visit.SeesAsync(visit.Page.GetByText("There is none."));
        Assert.Empty(app.Controller.FindNetwork(network.Id)!.JoinTokens);
    }
}
