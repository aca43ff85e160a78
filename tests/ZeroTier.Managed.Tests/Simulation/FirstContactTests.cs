namespace ZeroTier.Managed.Tests.Simulation;

public class FirstContactTests
{
    [Fact]
    public void Start_root_and_members_all_come_online()
    {
        var world = new SimulatedWorld(seed: 1, members: 2);

        world.Run(world.StartAsync);

        Assert.All(world.Members, node => Assert.True(node.IsOnline));
        Assert.True(world.Root.IsOnline);
        world.Stop();
        Assert.All(world.Hosts, host => Assert.Equal(0, host.OpenSockets));
    }

    [Fact]
    public void Ping_between_members_is_answered()
    {
        var world = new SimulatedWorld(seed: 1, members: 2);

        world.Run(async () =>
        {
            await world.StartAsync();
            var roundTrip = await world.Members[0].PingAsync(SimulatedWorld.Network, world.AddressOf(1));
            Assert.InRange(roundTrip, TimeSpan.FromMilliseconds(2), TimeSpan.FromSeconds(5));
        });

        world.Stop();
    }
}
