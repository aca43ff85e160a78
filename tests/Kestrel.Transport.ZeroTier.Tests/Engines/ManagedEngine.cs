using System.Net;
using ZeroTier;
using ZeroTier.Conformance;
using ZeroTier.Managed;

namespace Kestrel.Transport.ZeroTier.Tests.Engines;

/// <summary>Two managed nodes, introduced by a private root, on the loopback UDP of this machine.</summary>
public sealed class ManagedEngine : IConformanceEngine
{
    // A proof of work each, so made once.
    private static readonly Lazy<Task<NodeIdentity[]>> s_identities = new(
        () => Task.WhenAll(Enumerable.Range(0, 4).Select(_ => NodeIdentity.GenerateAsync())));

    /// <summary>Identities of a root and of nodes, the same for the whole process.</summary>
    public static async Task<NodeIdentity[]> IdentitiesAsync() => await s_identities.Value;

    public async Task<NodePair> StartPairAsync(CancellationToken cancellationToken)
    {
        var identities = await IdentitiesAsync();
        int port;
        await using (var probe = UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true }))
        {
            port = probe.LocalEndPoints[0].Port;
        }

        using var key = PlanetSigningKey.Generate();
        var root = new PlanetRoot(identities[0], [InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, port))]);
        var planet = Planet.Create(1, DateTimeOffset.UtcNow, [root], key);
        var pair = new ManagedPair(
            new ManagedNode(new ManagedNodeOptions { Planet = planet, Identity = identities[0], Port = port }), planet, identities);
        await pair.StartAsync(cancellationToken);
        return pair;
    }

    private sealed class ManagedPair(ManagedNode root, Planet planet, NodeIdentity[] identities) : NodePair
    {
        public override ZeroTierNode Server { get; } = new ManagedNode(
            new ManagedNodeOptions { Planet = planet, Identity = identities[1] });

        public override ZeroTierNode Client { get; } = new ManagedNode(
            new ManagedNodeOptions { Planet = planet, Identity = identities[2] });

        public override NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

        public override NetworkId OtherNetwork { get; } = NetworkId.AdHoc(1, ushort.MaxValue);

        public override NetworkId ImpossibleNetwork { get; } = NetworkId.Parse("ff00500016000000");

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await root.StartAsync(cancellationToken);
            foreach (var node in new[] { Server, Client })
            {
                await node.JoinAsync(Network, cancellationToken);
                await node.StartAsync(cancellationToken);
            }

            await Server.WaitForOnlineAsync(cancellationToken);
            await Client.WaitForOnlineAsync(cancellationToken);
        }

        public override ZeroTierNode CreateNode() => new ManagedNode(new ManagedNodeOptions { Planet = planet, Identity = identities[3] });

        public override async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Server.DisposeAsync();
            await root.DisposeAsync();
        }
    }
}
