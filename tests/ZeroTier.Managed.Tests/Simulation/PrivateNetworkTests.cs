using System.Net;
using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Networks with a controller, as members live on them.</summary>
public class PrivateNetworkTests
{
    private const int Port = 8080;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<double, ulong> LossyPaths =>
        [.. from loss in new[] { 0.05, 0.3 } from seed in Enumerable.Range(1, 8) select (loss, (ulong)seed)];

    [Fact]
    public void Members_talk_over_IPv4_and_IPv6()
    {
        var world = new PrivateWorld(seed: 1, members: 2);
        byte[] data = Bytes(300_000);
        world.Run(async () =>
        {
            await world.StartAsync();
            Assert.Equal([world.IPv4Of(0), world.IPv6Of(0)], world.Members[0].Networks[0].Addresses.Select(a => a.Address));
            Assert.Equal(data, await world.TransferAsync(1, world.EndPoint(0, Port), server: 0, data));
            Assert.Equal(data, await world.TransferAsync(0, new ZeroTierEndPoint(world.Id, world.IPv6Of(1), Port), server: 1, data));
            await world.Members[0].PingAsync(world.Id, world.IPv4Of(1), cancellationToken: Token);
        });
        world.Stop();
    }

    [Fact]
    public void A_member_that_is_authorised_later_becomes_ready_within_a_second()
    {
        var world = new PrivateWorld(seed: 2, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync(authorized: false);
            await world.Delay(TimeSpan.FromSeconds(7));
            var waiting = world.Members[0].Networks[0];
            Assert.Equal(ZeroTierNetworkStatus.AccessDenied, waiting.Status);
            Assert.Contains(world.Members[0].Id.ToString(), waiting.Detail, StringComparison.Ordinal);

            var since = world.Clock.Elapsed;
            world.Controller.Authorize(world.Network, world.Members[0].Id);
            await world.Members[0].WaitForNetworkAsync(world.Id, Token);
            Assert.InRange(world.Clock.Elapsed - since, TimeSpan.Zero, TimeSpan.FromSeconds(1));
            Assert.Equal(ZeroTierNetworkStatus.AccessDenied, world.Members[1].Networks[0].Status);
        });
        world.Stop();
    }

    [Fact]
    public void A_node_that_is_not_authorised_reaches_nobody()
    {
        var world = new PrivateWorld(seed: 3, members: 3);
        world.Run(async () =>
        {
            await world.StartAsync();
            world.Controller.Revoke(world.Network, world.Members[2].Id);
            await world.Delay(TimeSpan.FromSeconds(1));
            byte[] data = Bytes(1000);
            Assert.Equal(data, await world.TransferAsync(1, world.EndPoint(0, Port), server: 0, data));
            await Assert.ThrowsAsync<ZeroTierException>(
                () => world.Members[2].PingAsync(world.Id, world.IPv4Of(0), cancellationToken: Token).AsTask());
            Assert.True(world.Members[0].GetStatistics().Dropped["vl2.no-membership"] > 0);

            // At its next request, which it sends every minute, it learns why.
            await world.Delay(TimeSpan.FromSeconds(70));
            Assert.Equal(ZeroTierNetworkStatus.AccessDenied, world.Members[2].Networks[0].Status);
        });
        world.Stop();
    }

    [Fact]
    public void A_member_that_is_revoked_in_mid_stream_gets_nothing_more_and_others_go_on()
    {
        var world = new PrivateWorld(seed: 4, members: 3);
        world.Run(async () =>
        {
            await world.StartAsync();
            await using var listener = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(world.Id, Port), SimulatedWorld.InlineTransport, Token);
            await using var revoked = await world.Members[1].ConnectAsync(world.EndPoint(0, Port), SimulatedWorld.InlineTransport, Token);
            await using var first = (await listener.AcceptAsync(Token))!;
            await using var other = await world.Members[2].ConnectAsync(world.EndPoint(0, Port), SimulatedWorld.InlineTransport, Token);
            await using var second = (await listener.AcceptAsync(Token))!;

            world.Controller.Revoke(world.Network, world.Members[1].Id);
            await world.Delay(TimeSpan.FromSeconds(1));
            await revoked.Output.WriteAsync(new byte[] { 1 }, Token);
            await other.Output.WriteAsync(new byte[] { 2 }, Token);
            var arrived = await second.Input.ReadAsync(Token);
            Assert.Equal(1, arrived.Buffer.Length);
            second.Input.AdvanceTo(arrived.Buffer.End);
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => first.Input.ReadAsync(Token).AsTask());
            Assert.Contains($"Node {world.Members[1].Id} is no longer a member", error.Message, StringComparison.Ordinal);
        });
        world.Stop();
    }

    [Fact]
    public void A_member_that_forgot_all_credentials_is_heard_again_at_once()
    {
        var world = new PrivateWorld(seed: 5, members: 2);
        byte[] data = Bytes(10_000);
        world.Run(async () =>
        {
            await world.StartAsync();
            Assert.Equal(data, await world.TransferAsync(1, world.EndPoint(0, Port), server: 0, data));
            await world.RestartAsync(0);
            await world.Members[0].WaitForNetworkAsync(world.Id, Token);
            var since = world.Clock.Elapsed;
            Assert.Equal(data, await world.TransferAsync(1, world.EndPoint(0, Port), server: 0, data));
            Assert.InRange(world.Clock.Elapsed - since, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        });
        world.Stop();
    }

    [Fact]
    public void Connections_survive_what_changes_beside_their_address_and_end_with_it()
    {
        var world = new PrivateWorld(seed: 6, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            await using var listener = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(world.Id, Port), SimulatedWorld.InlineTransport, Token);
            await using var client = await world.Members[1].ConnectAsync(world.EndPoint(0, Port), SimulatedWorld.InlineTransport, Token);
            await using var server = (await listener.AcceptAsync(Token))!;

            // MTU, name, a further address: the connection goes on.
            world.Network.Mtu = 1400;
            world.Network.Name = "renamed";
            world.Record(0).Addresses.Add(new IpInterfaceAddress(IpAddress.From(IPAddress.Parse("10.147.20.200")), 24));
            world.Controller.Push(world.Network);
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.Equal("renamed", world.Members[0].Networks[0].Name);
            Assert.Equal(1400, world.Members[0].Networks[0].Mtu);
            await client.Output.WriteAsync(Bytes(50_000), Token);
            var read = await server.Input.ReadAtLeastAsync(50_000, Token);
            server.Input.AdvanceTo(read.Buffer.End);

            // A listener on every address takes the new one.
            byte[] data = Bytes(100);
            await using var other = await world.Members[1].ConnectAsync(
                new ZeroTierEndPoint(world.Id, IPAddress.Parse("10.147.20.200"), Port), SimulatedWorld.InlineTransport, Token);
            await using var accepted = (await listener.AcceptAsync(Token))!;

            // The address of the first connection goes: it ends, the other one stays.
            world.Record(0).Addresses.RemoveAll(a => a.Address == IpAddress.From(world.IPv4Of(0)));
            world.Controller.Push(world.Network);
            await world.Delay(TimeSpan.FromSeconds(1));
            await Assert.ThrowsAnyAsync<IOException>(async () =>
            {
                while (!(await server.Input.ReadAsync(Token)).IsCompleted)
                {
                }

                throw new InvalidOperationException("The connection ended without an error.");
            });
            await other.Output.WriteAsync(data, Token);
            read = await accepted.Input.ReadAtLeastAsync(data.Length, Token);
            Assert.Equal(data.Length, read.Buffer.Length);
        });
        world.Stop();
    }

    [Fact]
    public void Rules_hold_in_both_directions_and_may_change()
    {
        // Accept ICMP, ARP, and TCP to or from port 8080; drop all else.
        const string Rules = "2401010100" + "25020806" + "0100" + "2401062804" + "1f901f90" + "0100" + "2401062704" + "1f901f90" + "0100"
            + "0000";
        var world = new PrivateWorld(seed: 7, members: 2);
        world.Network.Rules = Rules;
        byte[] data = Bytes(20_000);
        world.Run(async () =>
        {
            await world.StartAsync();
            Assert.Equal(data, await world.TransferAsync(1, world.EndPoint(0, Port), server: 0, data));
            await world.Members[1].PingAsync(world.Id, world.IPv4Of(0), cancellationToken: Token);
            await Assert.ThrowsAsync<ZeroTierException>(() => world.TransferAsync(1, world.EndPoint(0, 81), server: 0, data));
            Assert.True(world.Members[1].GetStatistics().Dropped["vl2.filtered-out"] > 0);

            world.Network.Rules = TestController.DefaultRules;
            world.Controller.Push(world.Network);
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.Equal(data, await world.TransferAsync(1, world.EndPoint(0, 81), server: 0, data));
        });
        world.Stop();
    }

    [Fact]
    public void With_the_controller_away_for_an_hour_members_go_on()
    {
        var world = new PrivateWorld(seed: 8, members: 2);
        byte[] data = Bytes(5_000);
        world.Run(async () =>
        {
            await world.StartAsync();
            world.Controller.IsAway = true;
            await world.Delay(TimeSpan.FromHours(1));
            Assert.Equal(data, await world.TransferAsync(1, world.EndPoint(0, Port), server: 0, data));
            Assert.Equal(ZeroTierNetworkStatus.Ok, world.Members[0].Networks[0].Status);
        });
        world.Stop();
    }

    [Fact]
    public void An_unknown_network_and_a_login_are_said()
    {
        var world = new PrivateWorld(seed: 9, members: 1);
        world.Network.LoginUrl = "https://login.example/";
        world.Run(async () =>
        {
            await world.StartAsync(authorized: false);
            var unknown = new NetworkId(world.Id.Value + 7);
            await world.Members[0].JoinAsync(unknown, Token);
            await world.Delay(TimeSpan.FromSeconds(6));
            Assert.Equal(ZeroTierNetworkStatus.AuthenticationRequired, world.Members[0].Networks.Single(n => n.Id == world.Id).Status);
            Assert.Contains(
                "https://login.example/", world.Members[0].Networks.Single(n => n.Id == world.Id).Detail, StringComparison.Ordinal);
            Assert.Equal(ZeroTierNetworkStatus.NotFound, world.Members[0].Networks.Single(n => n.Id == unknown).Status);
        });
        world.Stop();
    }

    // What a root relays crosses two links, so at 30 % half of it is lost, and members must exchange names, certificates and addresses
    // before the first segment: a call may fail after TCP's patience, and an application calls again.
    [Theory]
    [MemberData(nameof(LossyPaths))]
    public void Over_lossy_paths_members_join_and_talk(double loss, ulong seed)
    {
        var world = new PrivateWorld(seed, members: 3);
        world.Physical.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(20), Loss = loss };
        byte[] data = Bytes(20_000);
        world.Run(async () =>
        {
            await world.StartAsync();
            Assert.Equal(data, await TalkAsync(from: 1, to: 0));
            Assert.Equal(data, await TalkAsync(from: 2, to: 1));
        });
        world.Stop();

        async Task<byte[]> TalkAsync(int from, int to)
        {
            for (int call = 1; ; call++)
            {
                try
                {
                    return await world.TransferAsync(from, world.EndPoint(to, Port), server: to, data);
                }
                catch (ZeroTierException) when (loss > 0.1 && call < 5)
                {
                    // Again.
                }
            }
        }
    }

    [Fact]
    public void A_member_that_uses_anothers_address_is_dropped_and_counted()
    {
        var world = new PrivateWorld(seed: 11, members: 3);
        world.Run(async () =>
        {
            await world.StartAsync();

            // The controller gives member 2 the address of member 1, without a certificate for it: as if it had taken it itself.
            await world.Members[1].PingAsync(world.Id, world.IPv4Of(0), cancellationToken: Token);
            world.Network.IssuesOwnership = false;
            var record = world.Record(2);
            record.Addresses.Clear();
            record.Addresses.Add(new IpInterfaceAddress(IpAddress.From(world.IPv4Of(1)), 24));
            world.Controller.Authorize(world.Network, record.Node);
            await world.Delay(TimeSpan.FromSeconds(2));
            Assert.Equal([world.IPv4Of(1)], world.Members[2].Networks[0].Addresses.Select(a => a.Address));

            await Assert.ThrowsAsync<ZeroTierException>(
                () => world.Members[2].PingAsync(world.Id, world.IPv4Of(0), cancellationToken: Token).AsTask());
            Assert.True(world.Members[0].GetStatistics().Dropped["vl2.spoofed-source"] > 0);
            await world.Members[1].PingAsync(world.Id, world.IPv4Of(0), cancellationToken: Token);
        });
        world.Stop();
    }

    [Fact]
    public void Names_of_members_are_their_derived_addresses_or_an_error_that_says_why_not()
    {
        var world = new PrivateWorld(seed: 12, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            string name = ZeroTierName.Of(world.Members[0].Id, world.Id);
            Assert.Equal(world.IPv6Of(0), ZeroTierName.Resolve(world.Members[1], name, 80).Address);

            world.Record(1).Addresses.RemoveAll(a => a.Address.IsIPv6);
            world.Controller.Push(world.Network);
            await world.Delay(TimeSpan.FromSeconds(1));
            var error = Assert.Throws<ZeroTierException>(() => ZeroTierName.Resolve(world.Members[1], name, 80));
            Assert.Contains("RFC 4193", error.Message, StringComparison.Ordinal);
        });
        world.Stop();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Name_of_a_member_without_a_derived_address_is_the_address_that_it_has_shown(bool certificates)
    {
        var world = new PrivateWorld(seed: 15, members: 3);
        world.Network.IssuesOwnership = certificates;
        world.Record(0).Addresses.RemoveAll(a => a.Address.IsIPv6);
        world.Record(1).Addresses.RemoveAll(a => a.Address.IsIPv6);
        world.Run(async () =>
        {
            await world.StartAsync();
            string name = ZeroTierName.Of(world.Members[0].Id, world.Id);
            Assert.Throws<ZeroTierException>(() => ZeroTierName.Resolve(world.Members[1], name, 80));
            Assert.Equal(
                world.IPv4Of(1), ZeroTierName.Resolve(world.Members[1], ZeroTierName.Of(world.Members[1].Id, world.Id), 80).Address);

            // The member calls: who it is, and where, is known from then on. What others show is their own.
            await world.Members[0].PingAsync(world.Id, world.IPv4Of(1), cancellationToken: Token);
            await world.Members[2].PingAsync(world.Id, world.IPv4Of(1), cancellationToken: Token);
            Assert.Equal(world.IPv4Of(0), ZeroTierName.Resolve(world.Members[1], name, 80).Address);
            Assert.Equal(
                world.IPv4Of(2), ZeroTierName.Resolve(world.Members[1], ZeroTierName.Of(world.Members[2].Id, world.Id), 80).Address);
        });
        world.Stop();
    }

    [Fact]
    public void Listener_on_every_address_takes_both_families_and_one_by_its_IPv4_address_takes_that_alone()
    {
        var world = new PrivateWorld(seed: 16, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            await using var any = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(world.Id, Port), SimulatedWorld.InlineTransport, Token);
            await using var one = await world.Members[0].ListenAsync(world.EndPoint(0, Port + 1), SimulatedWorld.InlineTransport, Token);
            foreach (var address in new[] { world.IPv4Of(0), world.IPv6Of(0) })
            {
                await using var client = await world.Members[1].ConnectAsync(
                    new ZeroTierEndPoint(world.Id, address, Port), SimulatedWorld.InlineTransport, Token);
                await using var server = (await any.AcceptAsync(Token))!;
                Assert.Equal(address, server.LocalEndPoint.Address);
                Assert.Equal(client.LocalEndPoint, server.RemoteEndPoint);
            }

            await using var byAddress = await world.Members[1].ConnectAsync(
                world.EndPoint(0, Port + 1), SimulatedWorld.InlineTransport, Token);
            var refused = await Assert.ThrowsAsync<ZeroTierException>(() =>
                world.Members[1].ConnectAsync(
                    new ZeroTierEndPoint(world.Id, world.IPv6Of(0), Port + 1), SimulatedWorld.InlineTransport, Token).AsTask());
            Assert.Equal(ZeroTierError.ConnectionRefused, refused.Error);
        });
        world.Stop();
    }

    [Fact]
    public void Members_of_an_ad_hoc_IPv4_network_find_each_other_by_ARP()
    {
        var world = new PrivateWorld(seed: 13, members: 2);
        var network = NetworkId.Parse("ff0a000000000001");
        byte[] data = Bytes(10_000);
        world.Run(async () =>
        {
            await world.StartAsync();
            foreach (var member in world.Members)
            {
                await member.JoinAsync(network, Token);
                await member.WaitForNetworkAsync(network, Token);
            }

            var address = world.Members[0].Networks.Single(n => n.Id == network).Addresses.Select(a => a.Address)
                .Single(a => a.GetAddressBytes().Length == 4);
            Assert.Equal(10, address.GetAddressBytes()[0]);
            await world.Delay(TimeSpan.FromSeconds(6));
            await world.Members[1].PingAsync(network, address, cancellationToken: Token);
        });
        world.Stop();
    }

    [Fact]
    public void Older_configurations_are_refused()
    {
        var world = new PrivateWorld(seed: 14, members: 1);
        world.Run(async () =>
        {
            await world.StartAsync();
            world.Network.Name = "second";
            world.Controller.Push(world.Network);
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.Equal("second", world.Members[0].Networks[0].Name);

            world.Network.Name = "replayed";
            world.Controller.PushAsOf(world.Network, TimeSpan.FromMinutes(-5));
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.Equal("second", world.Members[0].Networks[0].Name);
        });
        world.Stop();
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
