using System.Net;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;
using ZeroTier.Controller;

namespace EndToEnd.Tests.Security;

/// <summary>Policies by the tags that a network's controller gives, with a controller in the same process.</summary>
public sealed class TagPolicyTests(LoopbackUniverse universe) : IClassFixture<LoopbackUniverse>
{
    private const uint Department = 1000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_caller_has_the_tags_that_the_controller_gave_it_as_claims_and_no_others()
    {
        await using var controller = await NetworkController.OpenAsync(
            new NetworkControllerOptions { Store = new MemoryControllerStore() }, Cancel);
        await universe.StartNodeAsync(controller: controller);
        var network = await controller.CreateNetworkAsync(
            settings => settings with { IsPrivate = false, IPv6Assignment = IPv6Assignment.SixPlane, Tags = [new NetworkTag(Department)] },
            Actor.Controller,
            Cancel);
        var untagged = await universe.StartNodeAsync();
        await controller.UpdateMemberAsync(
            network.Id,
            universe.Client.Id,
            member => member with { IsAuthorized = true, Tags = member.Tags.Add(Department, 5) },
            null,
            Actor.Controller,
            Cancel);
        await using var app = await StartAppAsync(network.Id);
        var server = app.Services.GetRequiredService<ZeroTierNode>().Id;
        foreach (var node in new ZeroTierNode[] { universe.Client, untagged })
        {
            await node.JoinAsync(network.Id, Cancel);
            await node.WaitForNetworkAsync(network.Id, Cancel);
        }

        Assert.Equal((HttpStatusCode.OK, "1000=5"), await GetAsync(universe.Client, server, network.Id, "/tag"));
        Assert.Equal((HttpStatusCode.Forbidden, ""), await GetAsync(universe.Client, server, network.Id, "/other-value"));
        Assert.Equal((HttpStatusCode.Forbidden, ""), await GetAsync(untagged, server, network.Id, "/tag"));
        Assert.Equal((HttpStatusCode.OK, ""), await GetAsync(untagged, server, network.Id, "/any"));
    }

    private static async Task<(HttpStatusCode Status, string Body)> GetAsync(
        ZeroTierNode from, NodeId server, NetworkId network, string path)
    {
        using var http = new HttpClient(new ZeroTierHttpHandler(from)) { Timeout = TimeSpan.FromSeconds(30) };
        using var answer = await http.GetAsync($"http://{ZeroTierName.Of(server, network)}:8080{path}", Cancel);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }

    private async Task<WebApplication> StartAppAsync(NetworkId network)
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "tags" });
        builder.Services.AddRoutingCore();
        builder.Services.AddAuthentication().AddZeroTier();
        builder.Services.AddAuthorization();
        builder.WebHost.UseKestrelCore().UseZeroTier(zt =>
        {
            zt.Networks.Add(network.ToString());
            zt.PlanetPath = universe.PlanetPath;
            zt.StoragePath = universe.NewStorage();
            zt.RequireReadyWithin = TimeSpan.FromSeconds(30);
            zt.Listen(8080);
        });
        var app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        static string Tags(HttpContext context) =>
            string.Join(' ', context.User.FindAll(ZeroTierClaimTypes.Tag).Select(claim => claim.Value));
        app.MapGet("/tag", Tags).RequireZeroTierTag(Department, 5, 6);
        app.MapGet("/other-value", Tags).RequireZeroTierTag(Department, 7);
        app.MapGet("/any", Tags)
            .RequireAuthorization(
                policy => policy.AddAuthenticationSchemes(ZeroTierAuthenticationDefaults.AuthenticationScheme).RequireAuthenticatedUser());
        await app.StartAsync(Cancel);
        return app;
    }
}
