using System.Net;
using ZeroTier;
using ZeroTier.Managed;

namespace EndToEnd.Scale;

/// <summary>A private root and the nodes of a measure, all in this process, with UDP sockets on one address of this machine.</summary>
internal sealed class ScalePlanet : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private readonly List<ManagedNode> _nodes = [];
    private readonly Planet _planet;
    private readonly IPAddress _address;

    private ScalePlanet(Planet planet, IPAddress address) => (_planet, _address) = (planet, address);

    /// <summary>The network that measures use unless they need many: ad-hoc, all ports, IPv6 addresses.</summary>
    public static NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

    /// <summary>Starts the root.</summary>
    public static async Task<ScalePlanet> StartAsync(IPAddress address)
    {
        int port = FreePort.Udp(address);
        var identity = await NodeIdentity.GenerateAsync();
        using var key = PlanetSigningKey.Generate();
        var root = new PlanetRoot(identity, [InetEndPoint.From(new IPEndPoint(address, port))]);
        var planet = new ScalePlanet(Planet.Create(1, DateTimeOffset.UtcNow, [root], key), address);
        await planet.StartAsync(new ManagedNodeOptions { Identity = identity, Port = port });
        return planet;
    }

    /// <summary>Starts a node with a new identity.</summary>
    public async Task<ManagedNode> StartNodeAsync(NetworkId network) =>
        await StartNodeAsync(await NodeIdentity.GenerateAsync(), network);

    /// <summary>Starts a node; returns when it is online and the network is ready.</summary>
    public async Task<ManagedNode> StartNodeAsync(NodeIdentity identity, NetworkId network)
    {
        var node = await StartAsync(new ManagedNodeOptions { Identity = identity, Networks = [network] });
        await node.WaitForOnlineAsync().WaitAsync(_patience);
        await node.WaitForNetworkAsync(network).WaitAsync(_patience);
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            await _nodes[i].DisposeAsync();
        }
    }

    private async Task<ManagedNode> StartAsync(ManagedNodeOptions options)
    {
        var node = new ManagedNode(options with { Planet = _planet, BindAddresses = [_address] });
        _nodes.Add(node);
        await node.StartAsync();
        return node;
    }
}
