using System.IO.Pipelines;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests.Simulation;

/// <summary>The controller among whole nodes.</summary>
public class WholeNetworkTests
{
    private const int Port = 8080;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Members_that_are_authorised_get_addresses_within_a_second_and_reach_each_other()
    {
        var world = new ControllerWorld(seed: 1, members: 2);
        world.Run(async () =>
        {
            await world.Delay(TimeSpan.FromSeconds(7));
            Assert.All(world.Members, m => Assert.Equal(ZeroTierNetworkStatus.AccessDenied, m.Networks[0].Status));
            Assert.Equal(new NetworkCounts(2, 0, 0), world.Controller.CountMembers(world.Network.Id));
            TimeSpan since = world.Clock.Elapsed;
            foreach (ManagedNode member in world.Members)
            {
                await world.AuthorizeAsync(member);
                await member.WaitForNetworkAsync(world.Network.Id, Token);
            }

            Assert.InRange(world.Clock.Elapsed - since, TimeSpan.Zero, TimeSpan.FromSeconds(1));
            Assert.NotEqual(world.IPv4Of(world.Members[0]), world.IPv4Of(world.Members[1]));
            await ReachAsync(world, world.Members[0], world.Members[1]);
        });
    }

    [Fact]
    public void A_change_reaches_members_within_a_second_and_connections_go_on()
    {
        var world = new ControllerWorld(seed: 2, members: 2);
        world.Run(async () =>
        {
            await JoinAllAsync(world);
            await using var listener = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(world.Network.Id, Port), ControllerWorld.InlineTransport, Token);
            await using var client = await world.Members[1].ConnectAsync(
                new ZeroTierEndPoint(world.Network.Id, world.IPv4Of(world.Members[0]), Port), ControllerWorld.InlineTransport, Token);
            await using var server = (await listener.AcceptAsync(Token))!;
            await world.ChangeAsync(n => n with { Name = "renamed", Mtu = 1400 });
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.All(world.Members, m => Assert.Equal("renamed", m.Networks[0].Name));
            await client.Output.WriteAsync(new byte[] { 1 }, Token);
            var arrived = await server.Input.ReadAsync(Token);
            Assert.Equal(1, arrived.Buffer.Length);
        });
    }

    [Fact]
    public void A_member_that_is_put_out_reaches_nobody_and_can_come_back()
    {
        var world = new ControllerWorld(seed: 3, members: 3);
        world.Run(async () =>
        {
            await JoinAllAsync(world);
            await ReachAsync(world, world.Members[2], world.Members[0]);
            await world.AuthorizeAsync(world.Members[2], authorized: false);
            await world.Delay(TimeSpan.FromSeconds(2));
            await Assert.ThrowsAsync<ZeroTierException>(() => ReachAsync(world, world.Members[2], world.Members[0]));
            await ReachAsync(world, world.Members[1], world.Members[0]);
            await world.Delay(TimeSpan.FromSeconds(70));
            Assert.Equal(ZeroTierNetworkStatus.AccessDenied, world.Members[2].Networks[0].Status);
            await world.AuthorizeAsync(world.Members[2]);
            await world.Members[2].WaitForNetworkAsync(world.Network.Id, Token);
            await ReachAsync(world, world.Members[2], world.Members[0]);
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Open_connections_of_a_member_that_is_put_out_end_on_both_sides_within_two_seconds(bool isServer)
    {
        var options = new ZeroTierConnectionOptions
        {
            ApplicationScheduler = PipeScheduler.Inline,
            TransportScheduler = PipeScheduler.Inline,
        };
        var world = new ControllerWorld(seed: 8, members: 3);
        world.Run(async () =>
        {
            await JoinAllAsync(world);
            ManagedNode server = world.Members[isServer ? 2 : 0];
            await using var listener = await server.ListenAsync(new ZeroTierEndPoint(world.Network.Id, 80), options, Token);
            var (gone, goneAccepted) = await OpenAsync(world.Members[isServer ? 0 : 2]);
            var (stays, staysAccepted) = await OpenAsync(world.Members[1]);

            await world.AuthorizeAsync(world.Members[2], authorized: false);
            await world.Delay(TimeSpan.FromSeconds(2));

            Assert.All(new[] { gone, goneAccepted }, connection => Assert.True(connection.ReceiveEnded.IsCompleted));
            Assert.All(new[] { stays, staysAccepted }, connection => Assert.Equal(isServer, connection.ReceiveEnded.IsCompleted));

            async Task<(ZeroTierConnection, ZeroTierConnection)> OpenAsync(ManagedNode client)
            {
                var accepting = listener.AcceptAsync(Token).AsTask();
                var connection = await client.ConnectAsync(
                    new ZeroTierEndPoint(world.Network.Id, world.IPv4Of(server), 80), options, Token);
                return (connection, (await accepting)!);
            }
        });
    }

    [Fact]
    public void Members_stay_members_for_hours_and_are_gone_when_the_network_is()
    {
        var world = new ControllerWorld(seed: 4, members: 2);
        world.Run(async () =>
        {
            await JoinAllAsync(world);
            await world.Delay(TimeSpan.FromMinutes(45));
            await ReachAsync(world, world.Members[0], world.Members[1]);
            Assert.Equal(new NetworkCounts(2, 2, 2), world.Controller.CountMembers(world.Network.Id));
            await world.Controller.DeleteNetworkAsync(world.Network.Id, null, new Actor("admin"), Token);
            await world.Delay(TimeSpan.FromSeconds(70));
            Assert.All(world.Members, m => Assert.Equal(ZeroTierNetworkStatus.NotFound, m.Networks[0].Status));
        });
    }

    [Fact]
    public void A_node_can_be_root_controller_and_member_at_once()
    {
        var world = new ControllerWorld(seed: 5, members: 1, isRootController: true);
        world.Run(async () =>
        {
            await world.Root.JoinAsync(world.Network.Id, Token);
            await world.Delay(TimeSpan.FromSeconds(6));
            Assert.Equal(ZeroTierNetworkStatus.AccessDenied, world.Root.Networks[0].Status);
            foreach (ManagedNode node in world.Members.Append(world.Root))
            {
                await world.AuthorizeAsync(node);
                await node.WaitForNetworkAsync(world.Network.Id, Token);
            }

            await ReachAsync(world, world.Members[0], world.Root);
            await ReachAsync(world, world.Root, world.Members[0]);
            Assert.DoesNotContain("secret", world.Controller.FindMember(world.Network.Id, world.Root.Id)!.Member.Identity!.ToString(),
                StringComparison.Ordinal);
            Assert.False(world.Controller.FindMember(world.Network.Id, world.Root.Id)!.Member.Identity!.HasSecret);

            // Over the refreshes, too.
            await world.Delay(TimeSpan.FromMinutes(40));
            await ReachAsync(world, world.Root, world.Members[0]);
            await world.AuthorizeAsync(world.Members[0], authorized: false);
            await world.Delay(TimeSpan.FromSeconds(2));
            await Assert.ThrowsAsync<ZeroTierException>(() => ReachAsync(world, world.Members[0], world.Root));
        });
    }

    [Fact]
    public void Members_that_are_put_out_at_once_are_all_gone()
    {
        var world = new ControllerWorld(seed: 6, members: 5);
        world.Run(async () =>
        {
            await JoinAllAsync(world);
            foreach (ManagedNode member in world.Members.Skip(1))
            {
                await ReachAsync(world, member, world.Members[0]);
            }

            foreach (ManagedNode member in world.Members.Skip(2))
            {
                await world.AuthorizeAsync(member, authorized: false);
            }

            await world.Delay(TimeSpan.FromSeconds(4));
            foreach (ManagedNode member in world.Members.Skip(2))
            {
                await Assert.ThrowsAsync<ZeroTierException>(() => ReachAsync(world, member, world.Members[0]));
            }

            await ReachAsync(world, world.Members[1], world.Members[0]);
        });
    }

    [Fact]
    public void A_node_takes_global_addresses_of_its_own_networks_no_more_than_of_others()
    {
        var world = new ControllerWorld(seed: 7, members: 0, isRootController: true);
        world.Run(async () =>
        {
            await world.ChangeAsync(n => Addressing.Pool("8.8.8.1", "8.8.8.254", "8.8.8.0")(n) with { IsPrivate = false });
            await world.Root.JoinAsync(world.Network.Id, Token);
            await world.Delay(TimeSpan.FromSeconds(6));
            Assert.NotNull(world.Controller.FindMember(world.Network.Id, world.Root.Id));
            Assert.Empty(world.Root.Networks[0].Addresses);
        });
    }

    private static async Task JoinAllAsync(ControllerWorld world)
    {
        foreach (ManagedNode member in world.Members)
        {
            await world.AuthorizeAsync(member);
            await member.WaitForNetworkAsync(world.Network.Id, Token);
        }
    }

    private static async Task ReachAsync(ControllerWorld world, ManagedNode from, ManagedNode to) =>
        await from.PingAsync(world.Network.Id, world.IPv4Of(to), Token);
}
