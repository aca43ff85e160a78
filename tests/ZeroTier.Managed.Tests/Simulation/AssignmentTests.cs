using System.Net;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>What a controller assigns and tells, as applications see it.</summary>
public class AssignmentTests
{
    [Fact]
    public void A_network_tells_its_routes_name_servers_and_broadcast()
    {
        var world = new PrivateWorld(seed: 41, members: 2);
        world.Network.Routes.Add(Route("192.168.7.5", 24, world.IPv4Of(0), 7));
        world.Network.SetDns("corp.example", IPAddress.Parse("10.147.20.10"), IPAddress.Parse("fd00::1"));
        world.Run(async () =>
        {
            await world.StartAsync();
            var network = world.Members[1].Networks[0];
            Assert.Equal(
                [new ZeroTierRoute(
                    IPNetwork.Parse("10.147.20.0/24"), null, 0), new ZeroTierRoute(IPNetwork.Parse("192.168.7.0/24"), world.IPv4Of(0), 7)],
                network.Routes);
            Assert.Equal(new ZeroTierDns("corp.example", [IPAddress.Parse("10.147.20.10"), IPAddress.Parse("fd00::1")]), network.Dns);
            Assert.True(network.AllowsBroadcast);
            Assert.Null(network.LoginUrl);
            Assert.Null(network.Detail);

            world.Network.Dns = null;
            world.Network.Routes.Clear();
            world.Network.Flags = NetworkFlags.None;
            world.Controller.Push(world.Network);
            await world.Delay(TimeSpan.FromSeconds(1));
            network = world.Members[1].Networks[0];
            Assert.Empty(network.Routes);
            Assert.Null(network.Dns);
            Assert.False(network.AllowsBroadcast);
        });
        world.Stop();
    }

    [Fact]
    public void Default_routes_and_public_addresses_are_taken_only_where_that_is_allowed()
    {
        foreach (bool allowed in (bool[])[false, true])
        {
            var world = new PrivateWorld(
                seed: 42, members: 2, o => o with { AllowDefaultRoutes = allowed, AllowGlobalAddresses = allowed });
            world.Network.Routes.AddRange(
                Route("0.0.0.0", 0, world.IPv4Of(0)),
                Route("::", 0, world.IPv6Of(0)),
                Route("8.8.0.0", 16, world.IPv4Of(0)),
                Route("10.0.0.0", 4, world.IPv4Of(0)));
            world.Record(1).Addresses.Add(new IpInterfaceAddress(IpAddress.From(IPAddress.Parse("9.9.9.9")), 32));
            world.Run(async () =>
            {
                await world.StartAsync();
                var network = world.Members[1].Networks[0];
                Assert.Equal(allowed, network.Addresses.Any(a => a.Address.ToString() == "9.9.9.9"));
                Assert.Equal(
                    allowed ? ["10.147.20.0/24", "0.0.0.0/0", "::/0", "8.8.0.0/16", "0.0.0.0/4"] : ["10.147.20.0/24"],
                    network.Routes.Select(r => r.Target.ToString()));
                if (allowed)
                {
                    Assert.Equal(world.Id, ZeroTierName.Resolve(world.Members[1], "1.1.1.1", 80).Network);
                }
                else
                {
                    Assert.Throws<ZeroTierException>(() => ZeroTierName.Resolve(world.Members[1], "1.1.1.1", 80));
                }
            });
            world.Stop();
        }
    }

    [Fact]
    public void Settings_of_a_network_decide_at_once_what_is_taken_and_end_when_it_is_left()
    {
        var world = new PrivateWorld(seed: 44, members: 2);
        world.Network.Routes.Add(Route("0.0.0.0", 0, world.IPv4Of(0)));
        world.Record(1).Addresses.Add(new IpInterfaceAddress(IpAddress.From(IPAddress.Parse("9.9.9.9")), 32));
        world.Run(async () =>
        {
            await world.StartAsync();

            // The start ends within a change of the network, which the next one would wait for.
            await world.Delay(TimeSpan.FromSeconds(1));
            var node = world.Members[1];
            Assert.Equal(["9.9.9.9/32"], node.Networks[0].RefusedAddresses.Select(a => a.ToString()));

            await node.ConfigureAsync(world.Id, new ZeroTierNetworkSettings { AllowGlobal = true, AllowDefault = true });
            Assert.Empty(node.Networks[0].RefusedAddresses);
            Assert.Contains("9.9.9.9/32", node.Networks[0].Addresses.Select(a => a.ToString()));
            Assert.Contains("0.0.0.0/0", node.Networks[0].Routes.Select(r => r.Target.ToString()));
            Assert.True(node.Networks[0].Settings.AllowGlobal);

            await node.ConfigureAsync(world.Id, new ZeroTierNetworkSettings { AllowManaged = false });
            world.Controller.Push(world.Network);
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.Empty(node.Networks[0].Addresses);
            Assert.Empty(node.Networks[0].Routes);
            Assert.False(node.Networks[0].IsReady);
            Assert.Contains("AllowManaged", node.Networks[0].Detail, StringComparison.Ordinal);

            await node.ConfigureAsync(world.Id, new ZeroTierNetworkSettings());
            Assert.True(node.Networks[0].IsReady);
            Assert.Null(node.Networks[0].Detail);

            await node.ConfigureAsync(world.Id, new ZeroTierNetworkSettings { AllowGlobal = true });
            await node.LeaveAsync(world.Id);
            var error = await Assert.ThrowsAsync<ZeroTierException>(
                () => node.ConfigureAsync(world.Id, new ZeroTierNetworkSettings(), TestContext.Current.CancellationToken));
            Assert.Equal(ZeroTierError.NetworkNotJoined, error.Error);
            await node.JoinAsync(world.Id);
            Assert.False(node.Networks[0].Settings.AllowGlobal);
        });
        world.Stop();
    }

    [Fact]
    public void A_network_with_public_addresses_only_says_which_setting_takes_them()
    {
        var world = new PrivateWorld(seed: 43, members: 1);
        var record = world.Record(0);
        record.Addresses.Clear();
        record.Addresses.Add(new IpInterfaceAddress(IpAddress.From(IPAddress.Parse("9.9.9.9")), 24));
        world.Run(async () =>
        {
            await world.StartAsync(authorized: false);
            world.Controller.Authorize(world.Network, record.Node);
            await world.Delay(TimeSpan.FromSeconds(10));
            var network = world.Members[0].Networks[0];
            Assert.False(network.IsReady);
            Assert.Contains("9.9.9.9", network.Detail, StringComparison.Ordinal);
            Assert.Contains("AllowGlobalAddresses", network.Detail, StringComparison.Ordinal);

            record.Addresses.Clear();
            world.Controller.Authorize(world.Network, record.Node);
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.Contains($"no address for node {record.Node}", world.Members[0].Networks[0].Detail, StringComparison.Ordinal);
        });
        world.Stop();
    }

    [Fact]
    public void Waiting_for_authorisation_is_one_line_that_says_what_to_do()
    {
        using var logs = new LogCollector();
        using var factory = LoggerFactory.Create(b => b.AddProvider(logs));
        var world = new PrivateWorld(seed: 44, members: 1, o => o with { LoggerFactory = factory });
        world.Run(async () =>
        {
            await world.StartAsync(authorized: false);
            await world.Delay(TimeSpan.FromSeconds(60));
            string line = Assert.Single(
                logs.AtLeast(LogLevel.Warning).Select(l => l.Text), t => t.Contains("not authorised", StringComparison.Ordinal));
            Assert.Contains(world.Members[0].Id.ToString(), line, StringComparison.Ordinal);
            Assert.Contains(world.Id.ToString(), line, StringComparison.Ordinal);
            Assert.Contains(world.ControllerNode.Id.ToString(), line, StringComparison.Ordinal);
            Assert.Contains("members page", line, StringComparison.Ordinal);
        });
        world.Stop();
    }

    [Fact]
    public void A_network_with_a_login_tells_where_until_it_is_done()
    {
        var world = new PrivateWorld(seed: 45, members: 1);
        world.Network.LoginUrl = "https://login.example/zt?node=1";
        world.Run(async () =>
        {
            await world.StartAsync(authorized: false);
            await world.Delay(TimeSpan.FromSeconds(10));
            var network = world.Members[0].Networks[0];
            Assert.Equal(
                (ZeroTierNetworkStatus.AuthenticationRequired, "https://login.example/zt?node=1"), (network.Status, network.LoginUrl));
            Assert.Contains(network.LoginUrl!, network.Detail, StringComparison.Ordinal);

            world.Network.LoginUrl = null;
            world.Record(0).IsAuthorized = true;
            await world.Delay(TimeSpan.FromSeconds(10));
            network = world.Members[0].Networks[0];
            Assert.True(network.IsReady);
            Assert.Null(network.LoginUrl);
        });
        world.Stop();
    }

    [Fact]
    public void A_members_tags_and_capabilities_are_known_once_it_has_proven_them_and_no_longer_than_they_count()
    {
        var world = new PrivateWorld(seed: 46, members: 3);
        world.Record(0).Tags[5] = 100;
        world.Record(0).Tags[9] = 7;
        world.Record(0).Capabilities[3] = "0100";
        world.Run(async () =>
        {
            await world.StartAsync();
            var node = world.Members[0].Id;
            Assert.Null(world.Members[1].GetMembership(world.Id, node));

            await world.Members[0].PingAsync(world.Id, world.IPv4Of(1), cancellationToken: TestContext.Current.CancellationToken);
            var member = world.Members[1].GetMembership(world.Id, node);
            Assert.NotNull(member);
            Assert.Equal((world.Id, node), (member.Network, member.Node));
            Assert.Equal([(5u, 100u), (9u, 7u)], member.Tags.OrderBy(t => t.Key).Select(t => (t.Key, t.Value)));
            Assert.Equal([3u], member.Capabilities);

            // Of itself it knows what it was given; of others, and of other networks, nothing.
            Assert.Equal(100u, world.Members[0].GetMembership(world.Id, node)!.Tags[5]);
            Assert.Null(world.Members[1].GetMembership(world.Id, world.Members[2].Id));
            Assert.Null(world.Members[1].GetMembership(NetworkId.AdHoc(0, 80), node));

            world.Controller.Revoke(world.Network, node);
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.Null(world.Members[1].GetMembership(world.Id, node));
        });
        world.Stop();
        Assert.Null(world.Members[1].GetMembership(world.Id, world.Record(0).Node));
    }

    private static IpRoute Route(string target, int length, IPAddress? gateway, int metric = 0) =>
        new(IpAddress.From(IPAddress.Parse(target)), length, gateway is null ? null : IpAddress.From(gateway), metric);
}
