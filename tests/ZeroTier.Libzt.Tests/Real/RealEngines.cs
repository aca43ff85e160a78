using System.Net.Sockets;
using ZeroTier.Conformance;

namespace ZeroTier.Libzt.Tests.Real;

/// <summary>The real library listens, the managed engine connects.</summary>
public sealed class LibztServes : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) =>
        RealPair.StartAsync(serves: true, RealPair.IPv6Network, cancellationToken);
}

/// <summary>The managed engine listens, the real library connects.</summary>
public sealed class LibztConnects : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) =>
        RealPair.StartAsync(serves: false, RealPair.IPv6Network, cancellationToken);
}

/// <summary>As <see cref="LibztServes"/>, over IPv4.</summary>
public sealed class LibztServesIPv4 : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) =>
        RealPair.StartAsync(serves: true, RealPair.IPv4Network, cancellationToken);
}

/// <summary>As <see cref="LibztConnects"/>, over IPv4.</summary>
public sealed class LibztConnectsIPv4 : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) =>
        RealPair.StartAsync(serves: false, RealPair.IPv4Network, cancellationToken);
}

/// <summary>One node on the real library, one managed node, and a root of the tests' own.</summary>
internal sealed class RealPair : NodePair
{
    private readonly RealWorld _world;
    private readonly bool _serves;

    private RealPair(RealWorld world, bool serves, NetworkId network)
    {
        _world = world;
        _serves = serves;
        Network = network;
        ZeroTierNode libzt = world.CreateLibzt();
        ZeroTierNode managed = world.CreateManaged();
        (Server, Client) = serves ? (libzt, managed) : (managed, libzt);
    }

    public static NetworkId IPv6Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

    /// <summary>Both families. Not 10.x.y.z, where the physical addresses are.</summary>
    public static NetworkId IPv4Network { get; } = NetworkId.Parse("ff19000000000001");

    public override ZeroTierNode Server { get; }

    public override ZeroTierNode Client { get; }

    public override NetworkId Network { get; }

    public override AddressFamily Family => Network == IPv4Network ? AddressFamily.InterNetwork : AddressFamily.Unspecified;

    public override ZeroTierError? GroupsRefused =>
        _serves ? ZeroTierError.NotSupported : Network == IPv4Network ? null : ZeroTierError.NotPermitted;

    public override NetworkId OtherNetwork { get; } = NetworkId.AdHoc(1, ushort.MaxValue);

    public override NetworkId ImpossibleNetwork { get; } = NetworkId.Parse("ff00500016000000");

    public override bool CountsPackets => false;

    public override bool KnowsPeersAtOnce => false;

    public static async Task<NodePair> StartAsync(bool serves, NetworkId network, CancellationToken cancellationToken)
    {
        Assert.SkipWhen(RealLibrary.SkipReason is not null, RealLibrary.SkipReason ?? "");
        var world = await RealWorld.StartAsync(cancellationToken);
        try
        {
            var pair = new RealPair(world, serves, network);
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
