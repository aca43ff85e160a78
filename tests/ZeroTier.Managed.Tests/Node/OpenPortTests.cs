using ZeroTier.Managed.Tests.Simulation;

namespace ZeroTier.Managed.Tests.Node;

/// <summary>A network that lets connections through to few ports says so at once, instead of letting them time out.</summary>
public class OpenPortTests
{
    private static readonly NetworkId Narrow = NetworkId.AdHoc(8080, 8081);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Ports_outside_the_networks_range_are_refused_with_the_reason()
    {
        var world = new SimulatedWorld(seed: 1, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.Members[0].JoinAsync(Narrow, Token);
            var error = await Assert.ThrowsAsync<ZeroTierException>(
                () => world.Members[0].ListenAsync(new ZeroTierEndPoint(Narrow, 80), Token).AsTask());
            Assert.Equal(ZeroTierError.NotPermitted, error.Error);
            Assert.Contains("8080 to 8081", error.Message, StringComparison.Ordinal);
            error = await Assert.ThrowsAsync<ZeroTierException>(
                () => world.Members[0].ConnectAsync(new ZeroTierEndPoint(Narrow, world.AddressOf(1), 80), Token).AsTask());
            Assert.Equal(ZeroTierError.NotPermitted, error.Error);
        });
        world.Stop();
    }

    [Fact]
    public void Port_zero_takes_one_that_the_network_lets_through()
    {
        var world = new SimulatedWorld(seed: 1, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            var endPoint = new ZeroTierEndPoint(Narrow, 0);
            await world.Members[0].JoinAsync(Narrow, Token);
            await using var one = await world.Members[0].ListenAsync(endPoint, SimulatedWorld.InlineTransport, Token);
            await using var two = await world.Members[0].ListenAsync(endPoint, SimulatedWorld.InlineTransport, Token);
            Assert.Equal([8080, 8081], new[] { one.EndPoint.Port, two.EndPoint.Port }.Order());
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => world.Members[0].ListenAsync(endPoint, Token).AsTask());
            Assert.Equal(ZeroTierError.AddressInUse, error.Error);
        });
        world.Stop();
    }
}
