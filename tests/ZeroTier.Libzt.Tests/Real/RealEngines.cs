using ZeroTier.Conformance;

namespace ZeroTier.Libzt.Tests.Real;

/// <summary>The real library listens, the managed engine connects.</summary>
public sealed class LibztServes : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) => RealPair.StartAsync(serves: true, cancellationToken);
}

/// <summary>The managed engine listens, the real library connects.</summary>
public sealed class LibztConnects : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) => RealPair.StartAsync(serves: false, cancellationToken);
}

/// <summary>One node on the real library, one managed node, and a root of the tests' own.</summary>
internal sealed class RealPair : NodePair
{
    private readonly RealWorld _world;

    private RealPair(RealWorld world, bool serves)
    {
        _world = world;
        ZeroTierNode libzt = world.CreateLibzt();
        ZeroTierNode managed = world.CreateManaged();
        (Server, Client) = serves ? (libzt, managed) : (managed, libzt);
    }

    public override ZeroTierNode Server { get; }

    public override ZeroTierNode Client { get; }

    public override NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

    public override NetworkId OtherNetwork { get; } = NetworkId.AdHoc(1, ushort.MaxValue);

    public override NetworkId ImpossibleNetwork { get; } = NetworkId.Parse("ff00500016000000");

    public override bool CountsPackets => false;

    public override bool KnowsPeersAtOnce => false;

    public static async Task<NodePair> StartAsync(bool serves, CancellationToken cancellationToken)
    {
        Assert.SkipWhen(RealLibrary.SkipReason is not null, RealLibrary.SkipReason ?? "");
        var world = await RealWorld.StartAsync(cancellationToken);
        try
        {
            var pair = new RealPair(world, serves);
            foreach (var node in new[] { pair.Server, pair.Client })
            {
                await node.JoinAsync(pair.Network, cancellationToken);
                await node.StartAsync(cancellationToken);
            }

            foreach (var node in new[] { pair.Server, pair.Client })
            {
                await node.WaitForNetworkAsync(pair.Network, cancellationToken);
                await node.WaitForOnlineAsync(cancellationToken);
            }

            return pair;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>Managed, since libzt runs one node per process.</summary>
    public override ZeroTierNode CreateNode() => _world.CreateManaged();

    public override ValueTask DisposeAsync() => _world.DisposeAsync();
}
