using ZeroTier.Conformance;

namespace ZeroTier.Managed.Tests.Conformance;

/// <summary>The managed engine over real loopback UDP.</summary>
public sealed class ManagedEngine : IConformanceEngine
{
    public async Task<NodePair> StartPairAsync(CancellationToken cancellationToken)
    {
        var world = await LoopbackWorld.StartAsync(cancellationToken);
        try
        {
            var pair = new ManagedPair(world);
            foreach (var node in new[] { pair.Server, pair.Client })
            {
                await node.JoinAsync(pair.Network, cancellationToken);
                await node.StartAsync(cancellationToken);
            }

            await pair.Server.WaitForOnlineAsync(cancellationToken);
            await pair.Client.WaitForOnlineAsync(cancellationToken);
            return pair;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    private sealed class ManagedPair : NodePair
    {
        private readonly LoopbackWorld _world;
        private readonly ManagedNode _server;

        public ManagedPair(LoopbackWorld world)
        {
            _world = world;
            _server = world.CreateNode(options => options with { Identity = world.NextIdentity(), LoggerFactory = ServerFaults });
            Client = world.CreateNode();
        }

        public override ZeroTierNode Server => _server;

        public override ZeroTierNode Client { get; }

        public override NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

        public override NetworkId OtherNetwork { get; } = NetworkId.AdHoc(1, ushort.MaxValue);

        public override NetworkId ImpossibleNetwork { get; } = NetworkId.Parse("ff00500016000000");

        public override Action? FailServer => () => ((ZeroTier.Managed.Vl2.IVl2Client)_server.Session!).OnIdentityCollision();

        public override ZeroTierNode CreateNode() => _world.CreateNode();

        public override ValueTask DisposeAsync() => _world.DisposeAsync();
    }
}
