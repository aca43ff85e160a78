using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.ServiceDiscovery;

namespace ZeroTier.Hosting.Tests;

/// <summary>Names of members in Microsoft.Extensions.ServiceDiscovery.</summary>
public sealed class ServiceDiscoveryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Any_client_calls_a_service_by_its_name()
    {
        await using var universe = await Universe.StartAsync();
        var configuration = new ConfigurationManager();
        configuration["ZeroTier:Hosts:Orders"] = $"{universe.ServerId}";
        using var host = Build(universe, configuration);
        await host.StartAsync(Cancel);
        using var client = host.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        string here = $"{host.Services.GetRequiredService<ZeroTierNode>().Id}";

        Assert.Equal(here, await client.GetStringAsync($"http://orders:{universe.Server.Port}/", Cancel));
        Assert.Equal(here, await client.GetStringAsync(universe.Server, Cancel));
        Assert.Equal(here, await client.GetStringAsync($"http://{universe.ServerId}.zt:{universe.Server.Port}/", Cancel));
        await host.StopAsync(Cancel);
    }

    [Fact]
    public async Task Endpoints_are_members_by_name_and_follow_the_settings()
    {
        await using var universe = await Universe.StartAsync();
        var other = await universe.Network.StartNodeAsync(Cancel);
        var configuration = new ConfigurationManager();
        using var host = Build(universe, configuration);
        await host.StartAsync(Cancel);
        var resolver = host.Services.GetRequiredService<ServiceEndpointResolver>();

        // A name that means nothing is left to others, as it is.
        Assert.Equal(
            new DnsEndPoint("orders", 8080),
            Assert.Single((await resolver.GetEndpointsAsync("http://orders:8080", Cancel)).Endpoints).EndPoint);
        foreach (var member in new[] { universe.ServerId, other.Id })
        {
            configuration["ZeroTier:Hosts:Orders"] = $"{member}";
            ((IConfigurationRoot)configuration).Reload();
            var expected = new DnsEndPoint(ZeroTierName.Of(member, Testing.TestNetwork.Network), 8080);
            EndPoint? found = null;
            for (int i = 0; !expected.Equals(found); i++)
            {
                Assert.True(i < 3000, $"orders stays {found}");
                await Task.Delay(20, Cancel);
                found = Assert.Single((await resolver.GetEndpointsAsync("http://orders:8080", Cancel)).Endpoints).EndPoint;
            }
        }

        await host.StopAsync(Cancel);
    }

    [Fact]
    public async Task Endpoints_of_the_section_Services_come_first()
    {
        await using var universe = await Universe.StartAsync();
        var configuration = new ConfigurationManager();
        configuration["ZeroTier:Hosts:Orders"] = $"{universe.ServerId}";
        configuration["Services:orders:http:0"] = "10.1.2.3:80";
        using var host = Build(universe, configuration);
        await host.StartAsync(Cancel);

        var found = await host.Services.GetRequiredService<ServiceEndpointResolver>().GetEndpointsAsync("http://orders", Cancel);
        Assert.Equal(IPEndPoint.Parse("10.1.2.3:80"), Assert.Single(found.Endpoints).EndPoint);
        await host.StopAsync(Cancel);
    }

    private static IHost Build(Universe universe, IConfiguration configuration) => universe.BuildCaller(services =>
    {
        services.AddSingleton(configuration);
        services.AddZeroTierServiceDiscovery();
        services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery().AddZeroTier());
    });
}
