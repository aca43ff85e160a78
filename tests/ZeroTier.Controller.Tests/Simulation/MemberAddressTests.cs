using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests.Simulation;

/// <summary><c>NODE.NETWORK.zt</c> on a network whose addresses do not follow from the node.</summary>
public class MemberAddressTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_member_that_was_never_heard_is_asked_for_its_address()
    {
        Run(31, async world =>
        {
            string name = ZeroTierName.Of(world.Members[0].Id, world.Network.Id);
            Assert.Throws<ZeroTierException>(() => ZeroTierName.Resolve(world.Members[1], name, 80));

            TimeSpan since = world.Clock.Elapsed;
            Assert.Equal(
                world.IPv4Of(world.Members[0]), Assert.Single(await ZeroTierName.ResolveAsync(world.Members[1], name, 80, Token)).Address);
            Assert.InRange(world.Clock.Elapsed - since, TimeSpan.Zero, TimeSpan.FromSeconds(2));

            await using var listener = await world.Members[2].ListenAsync(
                new ZeroTierEndPoint(world.Network.Id, 80), ControllerWorld.InlineTransport, Token);
            await using var connection = await world.Members[1].ConnectAsync(
                ZeroTierName.Of(world.Members[2].Id, world.Network.Id), 80, ControllerWorld.InlineTransport, Token);
            Assert.Equal(world.IPv4Of(world.Members[2]), connection.RemoteEndPoint.Address);
        });
    }

    [Fact]
    public void A_node_that_is_no_member_says_nothing_and_the_error_comes_in_seconds()
    {
        Run(32, async world =>
        {
            TimeSpan since = world.Clock.Elapsed;
            foreach (NodeId node in (NodeId[])[world.Root.Id, new NodeId(1)])
            {
                var error = await Assert.ThrowsAsync<ZeroTierException>(() =>
                    ZeroTierName.ResolveAsync(world.Members[1], ZeroTierName.Of(node, world.Network.Id), 80, Token).AsTask());
                Assert.Contains("member and online", error.Message, StringComparison.Ordinal);
            }

            Assert.InRange(world.Clock.Elapsed - since, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(12));
        });
    }

    private static void Run(ulong seed, Func<ControllerWorld, Task> test)
    {
        var world = new ControllerWorld(seed, members: 3);
        world.Run(async () =>
        {
            foreach (ManagedNode member in world.Members)
            {
                await world.AuthorizeAsync(member);
                await member.WaitForNetworkAsync(world.Network.Id, Token);
            }

            await test(world);
        });
    }
}
