using System.Net;
using ZeroTier.Managed.IpStack;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Names of a network's search domain: member 0 is its name server, member 1 asks.</summary>
public class NameTests
{
    private const string Domain = "corp.example";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_name_is_asked_for_once_for_each_family_and_then_known_for_its_time()
    {
        Run(21, async (world, server) =>
        {
            server.Answers = ask => [new DnsAnswer(ask).Add(world.IPv4Of(0), 30).Add(world.IPv6Of(0), 30)];

            Assert.Equal([world.IPv6Of(0), world.IPv4Of(0)], await ResolveAsync(world, "nas.corp.example"));
            Assert.Equal([world.IPv6Of(0), world.IPv4Of(0)], await ResolveAsync(world, "NAS.Corp.Example."));
            Assert.Equal([(DnsAsk.Aaaa, "nas.corp.example"), (DnsAsk.A, "nas.corp.example")], server.Asked.Select(a => (a.Type, a.Name)));

            await world.Delay(TimeSpan.FromSeconds(31));
            await ResolveAsync(world, "nas.corp.example");
            Assert.Equal(4, server.Asked.Count);
            Assert.Equal(4, server.Asked.Select(a => a.Id).Distinct().Count());
            Assert.Equal(4, server.Asked.Select(a => a.From!.Port).Distinct().Count());
        });
    }

    [Fact]
    public void A_name_without_a_dot_is_in_the_search_domain()
    {
        Run(22, async (world, server) =>
        {
            server.Answers = ask => [ask.Name == "nas.corp.example"
                ? new DnsAnswer(ask).Add(world.IPv4Of(0))
                : new DnsAnswer(ask) { Code = 3 }];

            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "nas"));
        });
    }

    [Fact]
    public void Names_of_no_network_are_asked_of_nobody_and_the_error_says_what_is_possible()
    {
        Run(23, async (world, server) =>
        {
            server.Answers = ask => [new DnsAnswer(ask) { Code = 3 }];
            foreach (string host in (string[])["www.example.org", "evilcorp.example", "bad name", "example"])
            {
                var error = await Assert.ThrowsAsync<ZeroTierException>(() => ResolveAsync(world, host));
                Assert.Equal(ZeroTierError.AddressNotAvailable, error.Error);
                if (host != "example")
                {
                    Assert.Contains(Domain, error.Message, StringComparison.Ordinal);
                    Assert.Contains("NODE.NETWORK.zt", error.Message, StringComparison.Ordinal);
                }
            }

            Assert.All(server.Asked, ask => Assert.Equal("example.corp.example", ask.Name));
        });
    }

    [Fact]
    public void Members_names_are_asked_of_no_server()
    {
        Run(24, async (world, server) =>
        {
            Assert.Equal([world.IPv6Of(0)], await ResolveAsync(world, ZeroTierName.Of(world.Members[0].Id, world.Id)));
            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, world.IPv4Of(0).ToString()));
            Assert.Empty(server.Asked);
        });
    }

    [Fact]
    public void Addresses_that_are_not_on_the_network_of_the_server_are_left_out()
    {
        Run(25, async (world, server) =>
        {
            server.Answers = ask => [new DnsAnswer(ask).Add(IPAddress.Parse("203.0.113.9")).Add(world.IPv4Of(1))];
            Assert.Equal([world.IPv4Of(1)], await ResolveAsync(world, "mixed.corp.example"));

            server.Answers = ask => [new DnsAnswer(ask).Add(IPAddress.Parse("203.0.113.9"))];
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => ResolveAsync(world, "elsewhere.corp.example"));
            Assert.Contains("203.0.113.9", error.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Addresses_behind_a_route_of_the_network_are_on_it()
    {
        Run(26, async (world, server) =>
        {
            world.Network.Routes.Add(new IpRoute(IpAddress.From(IPAddress.Parse("192.168.7.0")), 24, IpAddress.From(world.IPv4Of(0)), 0));
            world.Controller.Push(world.Network);
            await world.Delay(TimeSpan.FromSeconds(1));
            server.Answers = ask => [new DnsAnswer(ask).Add(IPAddress.Parse("192.168.7.9"))];

            Assert.Equal([IPAddress.Parse("192.168.7.9")], await ResolveAsync(world, "lan.corp.example"));
            Assert.Equal(world.Id, ZeroTierName.Resolve(world.Members[1], "192.168.7.9", 80).Network);
        });
    }

    [Fact]
    public void A_long_answer_is_asked_for_again_by_TCP()
    {
        Run(27, async (world, server) =>
        {
            server.Answers = ask => [ask.IsTcp
                ? new DnsAnswer(ask).Add(world.IPv4Of(0)).Add(world.IPv6Of(0))
                : new DnsAnswer(ask) { IsTruncated = true }];

            Assert.Equal([world.IPv6Of(0), world.IPv4Of(0)], await ResolveAsync(world, "long.corp.example"));
            Assert.Equal(2, server.Asked.Count(a => a.IsTcp));
        });
    }

    [Fact]
    public void Answers_to_other_questions_are_passed_over()
    {
        Run(28, async (world, server) =>
        {
            server.Answers = ask =>
            [
                new DnsAnswer(ask) { Id = (ushort)(ask.Id + 1) }.Add(world.IPv4Of(1)),
                new DnsAnswer(ask) { Question = "other.corp.example" }.Add(world.IPv4Of(1)),
                new DnsAnswer(ask).Add(world.IPv4Of(0)),
            ];

            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "nas.corp.example"));
        });
    }

    [Fact]
    public void A_stranger_on_the_network_cannot_answer()
    {
        Run(29, async (world, server) =>
        {
            // Member 2 sees what was asked, and answers first, from port 53 of its own.
            await using var other = await world.Members[2].BindDatagramAsync(new ZeroTierEndPoint(world.Id, 53), Token);
            await world.Members[2].PingAsync(world.Id, world.IPv4Of(1), cancellationToken: Token);
            server.Answers = ask =>
            {
                _ = other.SendToAsync(new DnsAnswer(ask).Add(world.IPv4Of(2)).ToArray(), ask.From!, Token).AsTask();
                world.Clock.Schedule(
                    TimeSpan.FromSeconds(1), () => _ = server.SendAsync(new DnsAnswer(ask).Add(world.IPv4Of(0)), ask.From!));
                return [];
            };

            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "nas.corp.example"));
        });
    }

    [Fact]
    public void Aliases_are_followed_also_where_the_server_names_only_the_next()
    {
        Run(30, async (world, server) =>
        {
            server.Answers = ask => [ask.Name switch
            {
                "www.corp.example" => new DnsAnswer(ask).AddAlias("www.corp.example", "box.corp.example"),
                "box.corp.example" => new DnsAnswer(ask).Add(world.IPv4Of(0)),
                _ => new DnsAnswer(ask).AddAlias(ask.Name, $"a{ask.Name}"),
            }];

            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "www.corp.example"));
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => ResolveAsync(world, "endless.corp.example"));
            Assert.Contains("CNAME", error.Message, StringComparison.Ordinal);
            Assert.InRange(server.Asked.Count, 6, 24);
        });
    }

    [Fact]
    public void Absence_is_kept_as_the_zone_says()
    {
        Run(31, async (world, server) =>
        {
            server.Answers = ask => [new DnsAnswer(ask) { Code = 3 }.AddAuthority(600, 20)];
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => ResolveAsync(world, "new.corp.example"));
            Assert.Contains("know no 'new.corp.example'", error.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ZeroTierException>(() => ResolveAsync(world, "new.corp.example"));
            Assert.Equal(2, server.Asked.Count);

            server.Answers = ask => [new DnsAnswer(ask).Add(world.IPv4Of(0))];
            await world.Delay(TimeSpan.FromSeconds(21));
            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "new.corp.example"));
        });
    }

    [Fact]
    public void The_next_server_is_asked_when_one_is_silent_and_when_one_refuses()
    {
        Run(32, async (world, server) =>
        {
            server.Answers = ask => [new DnsAnswer(ask).Add(world.IPv4Of(0))];
            SetServers(world, world.IPv4Of(2), world.IPv4Of(0));
            await world.Delay(TimeSpan.FromSeconds(1));
            var since = world.Clock.Elapsed;
            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "nas.corp.example"));
            Assert.InRange(world.Clock.Elapsed - since, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3));

            await using var refusing = await NameServer.StartAsync(world.Members[2], world.Id, SimulatedWorld.InlineTransport);
            refusing.Answers = ask => [new DnsAnswer(ask) { Code = 5 }];
            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "box.corp.example"));
            Assert.NotEmpty(refusing.Asked);
        });
    }

    [Fact]
    public void Silence_ends_in_an_error_that_says_what_to_check()
    {
        Run(33, async (world, server) =>
        {
            var since = world.Clock.Elapsed;
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => ResolveAsync(world, "nas.corp.example"));
            Assert.Equal(ZeroTierError.TimedOut, error.Error);
            Assert.Contains("port 53", error.Message, StringComparison.Ordinal);
            Assert.Contains(world.IPv4Of(0).ToString(), error.Message, StringComparison.Ordinal);
            Assert.InRange(world.Clock.Elapsed - since, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(7));
            Assert.Equal(4, server.Asked.Count);
        });
    }

    [Fact]
    public void Giving_up_ends_the_wait_at_once()
    {
        Run(34, async (world, _) =>
        {
            using var given = new CancellationTokenSource();
            var resolving = ZeroTierName.ResolveAsync(world.Members[1], "nas.corp.example", 80, given.Token).AsTask();
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.False(resolving.IsCompleted);
            await given.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
        });
    }

    [Fact]
    public void Servers_are_reached_over_IPv6()
    {
        Run(35, async (world, server) =>
        {
            SetServers(world, world.IPv6Of(0));
            await world.Delay(TimeSpan.FromSeconds(1));
            server.Answers = ask => [new DnsAnswer(ask).Add(world.IPv6Of(0))];

            Assert.Equal([world.IPv6Of(0)], await ResolveAsync(world, "nas.corp.example"));
            Assert.All(server.Asked, ask => Assert.Equal(16, ask.From!.Address.GetAddressBytes().Length));
        });
    }

    [Fact]
    public void One_family_that_is_refused_leaves_the_other()
    {
        Run(36, async (world, server) =>
        {
            server.Answers = ask => [ask.Type == DnsAsk.Aaaa ? new DnsAnswer(ask) { Code = 4 } : new DnsAnswer(ask).Add(world.IPv4Of(0))];

            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "nas.corp.example"));
        });
    }

    [Fact]
    public void A_silent_address_leaves_time_for_the_next()
    {
        Run(37, async (world, server) =>
        {
            server.Answers = ask => [ask.Type == DnsAsk.A
                ? new DnsAnswer(ask).Add(IPAddress.Parse("10.147.20.200")).Add(world.IPv4Of(0))
                : new DnsAnswer(ask)];
            await using var listener = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(world.Id, 80), SimulatedWorld.InlineTransport, Token);

            await using var connection = await world.Members[1].ConnectAsync("nas.corp.example", 80, SimulatedWorld.InlineTransport, Token);

            Assert.Equal(world.IPv4Of(0), connection.RemoteEndPoint.Address);
        });
    }

    [Fact]
    public void A_network_that_is_never_configured_holds_up_no_name_and_no_address_of_others()
    {
        Run(38, async (world, server) =>
        {
            world.Network.Routes.Add(new IpRoute(IpAddress.From(IPAddress.Parse("192.168.7.0")), 24, IpAddress.From(world.IPv4Of(0)), 0));
            world.Controller.Push(world.Network);
            await world.Members[1].JoinAsync(new NetworkId(0x8056c2e21c000001), Token);
            server.Answers = ask => [new DnsAnswer(ask).Add(world.IPv4Of(0))];
            await using var listener = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(world.Id, 80), SimulatedWorld.InlineTransport, Token);
            await world.Delay(TimeSpan.FromSeconds(1));

            var since = world.Clock.Elapsed;
            await using var byName = await world.Members[1].ConnectAsync("nas.corp.example", 80, SimulatedWorld.InlineTransport, Token);
            await using var byAddress = await world.Members[1].ConnectAsync(
                $"{world.IPv4Of(0)}", 80, SimulatedWorld.InlineTransport, Token);
            Assert.True(world.Clock.Elapsed - since < TimeSpan.FromSeconds(5));
            Assert.DoesNotContain(
                "not ready",
                (await Assert.ThrowsAsync<ZeroTierException>(
                    () => world.Members[1].ConnectAsync("192.168.7.9", 80, SimulatedWorld.InlineTransport, Token).AsTask())).Message,
                StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Names_stay_with_the_network_that_was_joined_first_whatever_domain_another_claims()
    {
        Run(39, async (world, server) =>
        {
            // The second network claims a part of the first one's domain, and its server, member 2, knows everything.
            var other = world.Controller.Add(new NetworkId(world.Id.Value + 1));
            other.IsPublic = true;
            other.SetDns($"db.{Domain}", IPAddress.Parse("10.99.0.12"));
            foreach (int member in new[] { 1, 2 })
            {
                other.Member(world.Members[member].Id).Addresses.Add(
                    new IpInterfaceAddress(IpAddress.From(IPAddress.Parse($"10.99.0.{member + 10}")), 24));
                await world.Members[member].JoinAsync(other.Id, Token);
                await world.Members[member].WaitForNetworkAsync(other.Id, Token);
            }

            await using var rival = await NameServer.StartAsync(world.Members[2], other.Id, SimulatedWorld.InlineTransport);
            rival.Answers = ask => [new DnsAnswer(ask).Add(IPAddress.Parse("10.99.0.12"))];

            server.Answers = ask => [new DnsAnswer(ask).Add(world.IPv4Of(0))];
            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "orders.db.corp.example"));
            Assert.Equal([world.IPv4Of(0)], await ResolveAsync(world, "nas"));

            server.Answers = ask => [];
            await Assert.ThrowsAsync<ZeroTierException>(() => ResolveAsync(world, "silent.db.corp.example"));
            await Assert.ThrowsAsync<ZeroTierException>(() => ResolveAsync(world, "silent"));
            Assert.Empty(rival.Asked);

            server.Answers = ask => [new DnsAnswer(ask) { Code = 3 }];
            var found = await ZeroTierName.ResolveAsync(world.Members[1], "theirs.db.corp.example", 80, Token);
            Assert.Equal(other.Id, Assert.Single(found).Network);
        });
    }

    private static void Run(ulong seed, Func<PrivateWorld, NameServer, Task> test)
    {
        var world = new PrivateWorld(seed, members: 3);
        SetServers(world, world.IPv4Of(0));
        world.Run(async () =>
        {
            await world.StartAsync();
            await using var server = await NameServer.StartAsync(world.Members[0], world.Id, SimulatedWorld.InlineTransport);
            await test(world, server);
        });
        world.Stop();
    }

    private static async Task<IEnumerable<IPAddress?>> ResolveAsync(PrivateWorld world, string host)
    {
        var endPoints = await ZeroTierName.ResolveAsync(world.Members[1], host, 80, Token);
        Assert.All(endPoints, endPoint => Assert.Equal((world.Id, 80), (endPoint.Network, endPoint.Port)));
        return endPoints.Select(endPoint => endPoint.Address);
    }

    private static void SetServers(PrivateWorld world, params IPAddress[] servers)
    {
        world.Network.SetDns(Domain, servers);
        if (world.Members[1].State == ZeroTierNodeState.Running)
        {
            world.Controller.Push(world.Network);
        }
    }
}
