using ZeroTier.Managed.Tests.Conformance;
using ZeroTier.Managed.Tests.Simulation;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Node;

public class PeerStoreTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Peers_are_stored_while_the_node_runs()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        using var folder = TemporaryFolder.WithIdentity(5);
        var network = NetworkId.AdHoc(0, 65535);
        var soon = TimeSpan.FromMilliseconds(20);
        await using var keeper = new ManagedNode(new ManagedNodeOptions
        {
            StoragePath = folder.Path,
            Planet = world.Planet,
            Networks = [network],
            // Slow periodic work is not worth waiting for.
            TimeProvider = new ObservedTime { Start = (due, period) => period > TimeSpan.FromSeconds(10) ? (soon, soon) : (due, period) },
        });
        var other = world.CreateNode(options => options with { Identity = TestIdentities.Get(6), Networks = [network] });
        await keeper.StartAsync(Token);
        await other.StartAsync(Token);
        await keeper.WaitForOnlineAsync(Token).WaitAsync(Limit, Token);
        await other.WaitForOnlineAsync(Token).WaitAsync(Limit, Token);

        await other.PingAsync(network, keeper.Networks[0].Addresses[0].Address, timeout: Limit, cancellationToken: Token);

        // A process that is killed stores nothing at its end.
        string file = Path.Combine(folder.Path, "peers.d", $"{other.Id}.peer");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Limit);
        while (!File.Exists(file))
        {
            await Task.Delay(10, limit.Token);
        }

        Assert.Equal(ZeroTierNodeState.Running, keeper.State);
    }

    [Fact]
    public async Task Peers_are_stored_with_their_places_soon_after_they_are_met()
    {
        using var folder = TemporaryFolder.WithIdentity(2);
        var world = new SimulatedWorld(seed: 21, members: 1);
        var host = world.Physical.AddHost("keeper", "10.0.0.50");
        var keeper = new ManagedNode(new ManagedNodeOptions
        {
            StoragePath = folder.Path,
            Planet = SimulatedWorld.SharedPlanet,
            Networks = [SimulatedWorld.Network],
            TimeProvider = world.Clock,
            RandomSource = world.Physical.Random.Fork(),
            Scheduler = System.IO.Pipelines.PipeScheduler.Inline,
            DatagramTransportFactory = () => host.Open(SimulatedWorld.UdpPort),
        });

        // Making out whether an identity is valid takes real time, on another thread.
        await keeper.StartAsync(Token).WaitAsync(Limit, Token);
        using var member = TestIdentities.Get(1);
        string file = Path.Combine(folder.Path, "peers.d", $"{member.Address}.peer");
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.Members[0].PingAsync(SimulatedWorld.Network, keeper.Networks[0].Addresses[0].Address, cancellationToken: Token);
            await world.Delay(TimeSpan.FromSeconds(5));
        });

        // Now it could be killed.
        var stored = KnownPeer.TryRead(await File.ReadAllBytesAsync(file, Token));
        Assert.Equal("10.0.0.2:9993", Assert.Single(stored!.EndPoints).ToString());
        Assert.True(stored.Version.IsKnown);
        world.Run(async () => await keeper.DisposeAsync());
        world.Stop();
    }
}
