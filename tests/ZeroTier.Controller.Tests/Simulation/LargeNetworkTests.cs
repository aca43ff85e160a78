using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests.Simulation;

/// <summary>As many whole nodes on one network as a company has.</summary>
public class LargeNetworkTests
{
    private const int Members = 200;

    [Fact]
    public void Two_hundred_members_join_talk_and_hear_of_a_change_of_rules()
    {
        var world = new ControllerWorld(seed: 20, Members);
        world.Run(async () =>
        {
            foreach (ManagedNode member in world.Members)
            {
                await world.AuthorizeAsync(member);
                await member.WaitForNetworkAsync(world.Network.Id, TestContext.Current.CancellationToken);
            }

            Assert.Equal(new NetworkCounts(Members, Members, Members), world.Controller.CountMembers(world.Network.Id));
            Assert.Equal(Members, world.Members.Select(world.IPv4Of).Distinct().Count());

            // All pairs of a sample.
            ManagedNode[] sample = [.. world.Members.Where((_, i) => i % 20 == 0)];
            foreach (ManagedNode from in sample)
            {
                foreach (ManagedNode to in sample.Where(to => to != from))
                {
                    Assert.True(await IsReachedAsync(world, from, to), $"{from.Id} does not reach {to.Id}");
                }
            }

            await world.ChangeAsync(n => n with { Rules = [NetworkRule.EtherType(0x0806), NetworkRule.Accept, NetworkRule.Drop] });
            await world.Delay(TimeSpan.FromSeconds(2));
            bool[] reached = await Task.WhenAll(
                world.Members.Select((from, i) => IsReachedAsync(world, from, world.Members[(i + 1) % Members])));
            Assert.DoesNotContain(true, reached);
            Assert.All(
                world.Members,
                m => Assert.True(m.GetStatistics().Dropped.GetValueOrDefault("vl2.filtered-out") > 0, $"{m.Id} dropped nothing"));
        });
    }

    private static async Task<bool> IsReachedAsync(ControllerWorld world, ManagedNode from, ManagedNode to)
    {
        try
        {
            await from.PingAsync(world.Network.Id, world.IPv4Of(to), TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
            return true;
        }
        catch (ZeroTierException)
        {
            return false;
        }
    }
}
