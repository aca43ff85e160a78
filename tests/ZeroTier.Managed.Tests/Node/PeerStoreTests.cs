using ZeroTier.Managed.Tests.Conformance;

namespace ZeroTier.Managed.Tests.Node;

public class PeerStoreTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Peers_AreStoredWhileTheNodeRuns()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        using var folder = TemporaryFolder.WithIdentity(5);
        var network = NetworkId.AdHoc(0, 65535);
        await using var keeper = new ManagedNode(new ManagedNodeOptions
        {
            StoragePath = folder.Path,
            Planet = world.Planet,
            Networks = [network],
            TimeProvider = new EagerTime(),
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

    /// <summary>The system's time, in which slow timers are not worth waiting for.</summary>
    private sealed class EagerTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            period > TimeSpan.FromSeconds(10)
                ? base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(20))
                : base.CreateTimer(callback, state, dueTime, period);
    }
}
