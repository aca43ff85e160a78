using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier.Controller;
using ZeroTier.Managed;

namespace ZeroTier.Testing.Tests;

/// <summary>Apps on networks with members, in memory.</summary>
public sealed class PrivateNetworkTests
{
    private static readonly Actor Admin = new("admin");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task App_is_called_over_IPv4_and_by_name()
    {
        await using var network = await TestNetwork.StartAsync(new TestNetworkOptions { HasController = true }, Cancel);
        NetworkId id = await network.CreateNetworkAsync(
            n => n with { ServesNames = true, Dns = new NetworkDnsSettings("home.arpa", []) }, Cancel);
        await using var app = await StartAsync(network, id);
        using var client = await network.CreateClientAsync(app.Services, Cancel);
        string caller = await client.GetStringAsync("/", Cancel);

        await using var other = await network.StartNodeAsync([id], Cancel);
        using var second = new HttpClient(new ZeroTierHttpHandler(other));
        Assert.Equal(other.Id.ToString(), await second.GetStringAsync($"http://{IPv4Of(NodeOf(app))}:8080/", Cancel));
        Assert.NotEqual(other.Id.ToString(), caller);

        await network.Controller.UpdateMemberAsync(id, NodeOf(app).Id, m => m with { Name = "orders" }, null, Admin, Cancel);
        await UntilAsync(() => other.Networks[0].Dns is { Servers.Count: > 0 }, "the name server is known");
        Assert.Equal(other.Id.ToString(), await second.GetStringAsync("http://orders.home.arpa:8080/", Cancel));
    }

    [Fact]
    public async Task Rules_and_tags_of_the_network_hold()
    {
        await using var network = await TestNetwork.StartAsync(new TestNetworkOptions { HasController = true }, Cancel);
        RuleProgram rules = RuleLanguage.Compile("drop ipprotocol tcp and dport 8080; accept;").Program!;
        NetworkId id = await network.CreateNetworkAsync(n => n with { Rules = rules.Rules }, Cancel);
        await using var app = await StartAsync(network, id);
        await using var caller = await network.StartNodeAsync([id], Cancel);

        await caller.PingAsync(id, IPv4Of(NodeOf(app)), Cancel);
        await Assert.ThrowsAsync<ZeroTierException>(() => caller.ConnectAsync(
            new ZeroTierEndPoint(id, IPv4Of(NodeOf(app)), 8080),
            new ZeroTierConnectionOptions { ConnectTimeout = TimeSpan.FromSeconds(2) },
            Cancel).AsTask());
        await network.Controller.UpdateNetworkAsync(id, n => n with { Rules = [NetworkRule.Accept] }, null, Admin, Cancel);
        await UntilAsync(() => CanConnect(caller, id, IPv4Of(NodeOf(app))), "the rule is gone");
    }

    [Fact]
    public async Task Who_gets_in_can_be_the_business_of_the_test()
    {
        await using var network = await TestNetwork.StartAsync(
            new TestNetworkOptions { HasController = true, AuthorizesNodes = false }, Cancel);
        NetworkId id = await network.CreateNetworkAsync(n => n, Cancel);
        await using var node = new ManagedNode(await network.ConfigureAsync(new ManagedNodeOptions { Networks = [id] }, Cancel));
        await node.StartAsync(Cancel);
        await UntilAsync(() => node.Networks[0].Status == ZeroTierNetworkStatus.AccessDenied, "it waits");

        await network.Controller.UpdateMemberAsync(id, node.Id, m => m with { IsAuthorized = true }, null, Admin, Cancel);
        await node.WaitForNetworkAsync(id, Cancel).WaitAsync(Patience, Cancel);
        await network.Controller.UpdateMemberAsync(id, node.Id, m => m with { IsAuthorized = false }, null, Admin, Cancel);
        await UntilAsync(() => node.Networks[0].Status == ZeroTierNetworkStatus.AccessDenied, "it is put out");
    }

    [Fact]
    public async Task A_network_stands_for_the_one_of_the_apps_configuration()
    {
        var configured = NetworkId.Parse("8056c2e21c000001");
        await using var network = await TestNetwork.StartAsync(new TestNetworkOptions { HasController = true }, Cancel);
        NetworkId id = await network.CreateNetworkAsync(configured, n => n with { Name = "theirs" }, Cancel);
        await using var app = await StartAsync(network, configured);
        using var client = await network.CreateClientAsync(app.Services, Cancel);

        Assert.NotEmpty(await client.GetStringAsync("/", Cancel));
        Assert.Equal((id, "theirs"), (NodeOf(app).Networks[0].Id, NodeOf(app).Networks[0].Name));
        await Assert.ThrowsAsync<InvalidOperationException>(() => network.CreateNetworkAsync(configured, n => n, Cancel));
    }

    [Fact]
    public async Task Without_a_controller_the_error_says_how_to_have_one()
    {
        await using var network = await TestNetwork.StartAsync(Cancel);
        Assert.Contains(
            "HasController", Assert.Throws<InvalidOperationException>(() => network.Controller).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await network.CreateNetworkAsync(n => n, Cancel));
    }

    private static async Task<WebApplication> StartAsync(TestNetwork network, NetworkId id)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseZeroTier(zt =>
        {
            zt.Networks.Add(id.ToString());
            zt.Listen(8080);
        });
        builder.WebHost.UseZeroTierTestNetwork(network);
        var app = builder.Build();
        app.MapGet("/", (HttpContext context) => context.GetZeroTierPeer()?.Node.ToString());
        await app.StartAsync(Cancel);
        await NodeOf(app).WaitForNetworkAsync(NodeOf(app).Networks[0].Id, Cancel).WaitAsync(Patience, Cancel);
        return app;
    }

    private static ZeroTierNode NodeOf(WebApplication app) => app.Services.GetRequiredService<ZeroTierNode>();

    private static IPAddress IPv4Of(ZeroTierNode node) =>
        node.Networks[0].Addresses.Select(a => a.Address).First(a => a.AddressFamily == AddressFamily.InterNetwork);

    private static async Task<bool> CanConnect(ZeroTierNode from, NetworkId network, IPAddress to)
    {
        try
        {
            await using var connection = await from.ConnectAsync(
                new ZeroTierEndPoint(network, to, 8080),
                new ZeroTierConnectionOptions { ConnectTimeout = TimeSpan.FromSeconds(2) },
                Cancel);
            return true;
        }
        catch (ZeroTierException)
        {
            return false;
        }
    }

    private static Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < Patience, $"Not in time: {what}.");
            await Task.Delay(20, Cancel);
        }
    }
}
