using System.Net.Sockets;
using ZeroTier.Conformance;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Conformance;

/// <summary>
/// Pairs of native nodes, each on a double of its own, on an ad-hoc network of IPv6 addresses. A pair's end fails when a rule of the
/// library was broken.
/// </summary>
public sealed class LibztDoubleEngine : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) =>
        LibztDoublePair.StartAsync(NetworkId.AdHoc(0, ushort.MaxValue), AddressFamily.Unspecified, cancellationToken);
}

/// <summary>The same over IPv4, on an ad-hoc network that has both families.</summary>
public sealed class LibztDoubleIPv4Engine : IConformanceEngine
{
    public Task<NodePair> StartPairAsync(CancellationToken cancellationToken) =>
        LibztDoublePair.StartAsync(NetworkId.Parse("ff19000000000001"), AddressFamily.InterNetwork, cancellationToken);
}

internal sealed class LibztDoublePair : NodePair
{
    private readonly DoubleNode _server;
    private readonly DoubleNode _client = DoubleNode.Create();
    private readonly List<DoubleNode> _others = [];

    private LibztDoublePair(NetworkId network, AddressFamily family)
    {
        Network = network;
        Family = family;
        _server = DoubleNode.Create(new DoubleNodeOptions { LoggerFactory = ServerFaults });
    }

    public static async Task<NodePair> StartAsync(NetworkId network, AddressFamily family, CancellationToken cancellationToken)
    {
        Assert.SkipWhen(DoubleLibrary.SkipReason is not null, DoubleLibrary.SkipReason ?? "");
        var pair = new LibztDoublePair(network, family);
        try
        {
            foreach (var node in new[] { pair.Server, pair.Client })
            {
                await node.StartAsync(cancellationToken);
                await node.JoinAsync(pair.Network, cancellationToken);
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
            await pair.DisposeAsync();
            throw;
        }
    }

    public override ZeroTierNode Server => _server.Node;

    public override ZeroTierNode Client => _client.Node;

    public override NetworkId Network { get; }

    public override AddressFamily Family { get; }

    public override ZeroTierError? GroupsRefused => ZeroTierError.NotSupported;

    public override NetworkId OtherNetwork { get; } = NetworkId.AdHoc(1, 65535);

    /// <summary>Its last port is lower than its first one: not found.</summary>
    public override NetworkId ImpossibleNetwork { get; } = NetworkId.Parse("ff00500016000000");

    public override bool CountsPackets => false;

    public override bool KnowsPeersAtOnce => false;

    public override Action? FailServer => () => _server.Control.Configure("collision=1");

    public override void HealServer() => _server.Control.Configure("collision=0");

    public override ZeroTierNode CreateNode()
    {
        _others.Add(DoubleNode.Create());
        return _others[^1].Node;
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var node in _others.Append(_client).Append(_server))
        {
            await node.DisposeAsync();
        }
    }
}
