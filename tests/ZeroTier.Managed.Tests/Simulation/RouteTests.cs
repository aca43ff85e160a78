using System.Net;
using ZeroTier.Managed.IpStack;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Networks behind members: routes with a gateway (docs/protocol/3-vl2.md 3.11) and bridges (3.7.4).</summary>
public class RouteTests
{
    private const string ForeignMac = "vl2.foreign-mac";
    private static readonly IPAddress s_gateway = IPAddress.Parse("10.147.20.50");
    private static readonly IPAddress s_otherGateway = IPAddress.Parse("10.147.20.51");
    private static readonly IPAddress s_lan = IPAddress.Parse("192.168.7.5");
    private static readonly IPAddress s_station = IPAddress.Parse("10.147.20.200");
    private static readonly MacAddress s_stationMac = new(0x00_16_3e_01_02_03);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_LAN_is_reached_and_reaches_members_by_its_gateway()
    {
        Run(40, isBridge: false, async (world, router, _) =>
        {
            Assert.True(await world.Members[0].PingAsync(world.Id, s_lan, cancellationToken: Token) > TimeSpan.Zero);
            Assert.Equal([(s_lan, (byte)8)], router.Echoes);

            // From the LAN: the answer of the member goes back by the gateway.
            router.SendEcho(world.Members[1].Id, IPAddress.Parse("192.168.7.9"), world.IPv4Of(1));
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.Equal((IPAddress.Parse("192.168.7.9"), (byte)0), router.Echoes[^1]);
        });
    }

    [Fact]
    public void Longest_prefix_and_lowest_metric_choose_the_gateway_and_changes_count_at_once()
    {
        Run(41, isBridge: false, async (world, router, other) =>
        {
            var deeper = IPAddress.Parse("192.168.7.129");
            var shared = IPAddress.Parse("172.16.1.1");
            world.Network.Routes.Add(Route("192.168.7.128", 25, s_otherGateway));
            world.Network.Routes.Add(Route("172.16.0.0", 12, s_gateway, metric: 20));
            world.Network.Routes.Add(Route("172.16.0.0", 12, s_otherGateway, metric: 10));
            await PushAsync(world);
            foreach (var address in (IPAddress[])[s_lan, deeper, shared])
            {
                await world.Members[0].PingAsync(world.Id, address, cancellationToken: Token);
            }

            Assert.Equal([s_lan], router.Echoes.Select(e => e.To));
            Assert.Equal([deeper, shared], other.Echoes.Select(e => e.To));

            world.Network.Routes.RemoveAll(route => route.Gateway == IpAddress.From(s_otherGateway));
            await PushAsync(world);
            await world.Members[0].PingAsync(world.Id, deeper, cancellationToken: Token);
            Assert.Equal([s_lan, deeper], router.Echoes.Select(e => e.To));
        });
    }

    [Fact]
    public void A_member_speaks_for_no_LAN_whose_gateway_it_is_not()
    {
        Run(42, isBridge: false, async (world, _, other) =>
        {
            // The gateway has shown whose its address is.
            world.Network.Routes.Add(Route("172.20.0.0", 16, world.IPv4Of(1)));
            await PushAsync(world);
            await world.Members[0].PingAsync(world.Id, world.IPv4Of(1), cancellationToken: Token);
            other.SendEcho(world.Members[0].Id, IPAddress.Parse("172.20.1.1"), world.IPv4Of(0));
            await world.Delay(TimeSpan.FromSeconds(1));

            Assert.Empty(other.Echoes);
            Assert.Equal(1, world.Members[0].GetStatistics().Dropped["vl2.spoofed-source"]);
        });
    }

    [Fact]
    public void A_station_behind_a_bridge_is_found_and_talked_to_by_its_bridge_alone()
    {
        Run(43, isBridge: true, async (world, bridge, other) =>
        {
            bridge.Add(s_station, s_stationMac);
            await world.Members[0].PingAsync(world.Id, s_station, cancellationToken: Token);
            Assert.Equal([(s_station, (byte)8)], bridge.Echoes);

            bridge.SendEcho(world.Members[1].Id, s_station, world.IPv4Of(1), s_stationMac);
            await world.Delay(TimeSpan.FromSeconds(2));
            Assert.Equal((s_station, (byte)0), bridge.Echoes[^1]);
            Assert.Empty(other.Echoes);
            Assert.Equal(0, world.Members[0].GetStatistics().Dropped.GetValueOrDefault(ForeignMac));
        });
    }

    [Fact]
    public void A_station_that_moves_to_another_bridge_is_talked_to_there()
    {
        Run(44, isBridge: true, async (world, bridge, other) =>
        {
            bridge.Add(s_station, s_stationMac);
            await world.Members[0].PingAsync(world.Id, s_station, cancellationToken: Token);
            other.SendEcho(world.Members[0].Id, s_station, world.IPv4Of(0), s_stationMac);
            await world.Delay(TimeSpan.FromSeconds(1));

            Assert.Equal([(s_station, (byte)0)], other.Echoes);
            Assert.Single(bridge.Echoes);
        });
    }

    [Fact]
    public void A_member_that_is_no_bridge_has_no_other_Ethernet_address()
    {
        Run(45, isBridge: false, async (world, member, other) =>
        {
            // The station is a bridge's of before, or a member.
            foreach (var mac in (MacAddress[])[s_stationMac, other.Mac])
            {
                member.SendEcho(world.Members[0].Id, s_station, world.IPv4Of(0), mac);
            }

            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.Equal(2, world.Members[0].GetStatistics().Dropped[ForeignMac]);
            Assert.Empty(member.Echoes);
            Assert.Empty(other.Echoes);
        });
    }

    [Fact]
    public void A_bridge_that_is_one_no_longer_is_not_believed()
    {
        Run(46, isBridge: true, async (world, bridge, _) =>
        {
            bridge.Add(s_station, s_stationMac);
            await world.Members[0].PingAsync(world.Id, s_station, cancellationToken: Token);
            world.Network.Specialists.Clear();
            await PushAsync(world);
            bridge.SendEcho(world.Members[0].Id, s_station, world.IPv4Of(0), s_stationMac);
            await world.Delay(TimeSpan.FromSeconds(1));

            Assert.Equal(1, world.Members[0].GetStatistics().Dropped[ForeignMac]);
            Assert.Single(bridge.Echoes);
        });
    }

    [Fact]
    public void A_frame_for_somebody_else_is_not_taken_even_from_a_bridge()
    {
        Run(47, isBridge: true, async (world, bridge, _) =>
        {
            bridge.Send(world.Members[0].Id, s_stationMac, new MacAddress(0x00_16_3e_0a_0b_0c), EtherTypes.IPv4, new byte[40]);
            await world.Delay(TimeSpan.FromSeconds(1));

            Assert.Equal(1, world.Members[0].GetStatistics().Dropped[ForeignMac]);
        });
    }

    private static IpRoute Route(string target, int prefix, IPAddress gateway, int metric = 0) =>
        new(IpAddress.From(IPAddress.Parse(target)), prefix, IpAddress.From(gateway), metric);

    private static async Task PushAsync(PrivateWorld world)
    {
        world.Controller.Push(world.Network);
        await world.Delay(TimeSpan.FromSeconds(1));
    }

    /// <summary>Two members, and two routers that are both gateways or both bridges. The LAN is behind the first.</summary>
    private static void Run(ulong seed, bool isBridge, Func<PrivateWorld, RawRouter, RawRouter, Task> code)
    {
        const ulong ActiveBridge = 0x0200_0000_0000;
        var world = new PrivateWorld(seed, members: 2);
        world.Network.IsPublic = true;
        world.Network.Routes.Add(Route("192.168.0.0", 16, s_gateway));
        var router = new RawRouter(world, identity: 10);
        var other = new RawRouter(world, identity: 11);
        router.Add(s_gateway);
        other.Add(s_otherGateway);
        if (isBridge)
        {
            world.Network.Specialists.AddRange(router.Id.Value | ActiveBridge, other.Id.Value | ActiveBridge);
        }

        world.Run(async () =>
        {
            await world.StartAsync();
            await router.StartAsync();
            await other.StartAsync();
            await code(world, router, other);
            await router.StopAsync();
            await other.StopAsync();
        });
        world.Stop();
    }
}
