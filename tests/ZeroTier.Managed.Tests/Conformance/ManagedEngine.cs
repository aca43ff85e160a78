using System.Net.Sockets;
using ZeroTier.Conformance;

namespace ZeroTier.Managed.Tests.Conformance;

/// <summary>The managed engine over real loopback UDP, on an ad-hoc network of IPv6 addresses.</summary>
public sealed class ManagedEngine : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) =>
        ManagedPair.StartAsync(NetworkId.AdHoc(0, ushort.MaxValue), AddressFamily.Unspecified, cancellationToken);
}

/// <summary>The same over IPv4, on an ad-hoc network that has both families.</summary>
public sealed class ManagedIPv4Engine : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) =>
        ManagedPair.StartAsync(NetworkId.Parse("ff19000000000001"), AddressFamily.InterNetwork, cancellationToken);
}

internal sealed class ManagedPair : NodePair
{
    private readonly LoopbackWorld _world;
    private readonly ManagedNode _server;

    private ManagedPair(LoopbackWorld world, NetworkId network, AddressFamily family)
    {
        _world = world;
        Network = network;
        Family = family;
        _server = world.CreateNode(options => options with { Identity = world.NextIdentity(), LoggerFactory = ServerFaults });
        Client = world.CreateNode();
    }

    public static async Task<NodePair> StartAsync(NetworkId network, AddressFamily family, CancellationToken cancellationToken)
    {
        var world = await LoopbackWorld.StartAsync(cancellationToken);
        try
        {
            var pair = new ManagedPair(world, network, family);
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

    public override ZeroTierNode Server => _server;

    public override ZeroTierNode Client { get; }

    public override NetworkId Network { get; }

    public override AddressFamily Family { get; }

    // Networks with a range of ports carry no multicast.
    public override ZeroTierError? GroupsRefused => Network.AdHocPorts is null ? null : ZeroTierError.NotPermitted;

    public override NetworkId OtherNetwork { get; } = NetworkId.AdHoc(1, ushort.MaxValue);

    public override NetworkId ImpossibleNetwork { get; } = NetworkId.Parse("ff00500016000000");

    public override Action? FailServer => () => ((ZeroTier.Managed.Vl2.IVl2Client)_server.Session!).OnIdentityCollision();

    public override ZeroTierNode CreateNode() => _world.CreateNode();

    public override ValueTask DisposeAsync() => _world.DisposeAsync();
}
