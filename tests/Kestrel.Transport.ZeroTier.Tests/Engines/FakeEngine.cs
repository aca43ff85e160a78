using ZeroTier;
using ZeroTier.Conformance;

namespace Kestrel.Transport.ZeroTier.Tests.Engines;

/// <summary>Two nodes of the fake network.</summary>
public sealed class FakeEngine : IConformanceEngine
{
    public async Task<NodePair> StartPairAsync(CancellationToken cancellationToken)
    {
        var pair = new FakePair();
        foreach (var node in new[] { pair.Server, pair.Client })
        {
            await node.JoinAsync(pair.Network, cancellationToken);
            await node.StartAsync(cancellationToken);
        }

        return pair;
    }

    private sealed class FakePair : NodePair
    {
        private readonly FakeNetwork _network = new();

        public FakePair()
        {
            Server = _network.CreateNode();
            Client = _network.CreateNode();
        }

        public override ZeroTierNode Server { get; }

        public override ZeroTierNode Client { get; }

        public override NetworkId Network => _network.Id;

        public override NetworkId OtherNetwork { get; } = NetworkId.Parse("8056c2e21c000002");

        public override NetworkId ImpossibleNetwork { get; } = NetworkId.Parse("8056c2e21c000003");

        public override ZeroTierNode CreateNode() => _network.CreateNode();

        public override async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Server.DisposeAsync();
        }
    }
}
