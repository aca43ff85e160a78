using System.Net;
using ZeroTier;
using ZeroTier.Managed;

namespace EndToEnd.Tests;

/// <summary>
/// A private universe on real loopback UDP: one root, its planet in a file, and one node that calls. Shared by the tests of a class.
/// </summary>
public sealed class LoopbackUniverse : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ztkestrel-e2e-");
    private readonly List<IAsyncDisposable> _nodes = [];
    private readonly List<NodeIdentity> _identities = [];
    private Planet? _planet;

    /// <summary>An ad-hoc network whose members may reach every port of each other.</summary>
    public static NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

    public string PlanetPath => Path.Combine(_folder.FullName, "planet");

    public ManagedNode Client { get; private set; } = null!;

    public string NewStorage() => Path.Combine(_folder.FullName, Guid.NewGuid().ToString("n"));

    public async ValueTask InitializeAsync()
    {
        int port;
        await using (var probe = UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true }))
        {
            port = probe.LocalEndPoints[0].Port;
        }

        var identity = await NewIdentityAsync();
        using var key = PlanetSigningKey.Generate();
        _planet = Planet.Create(
            7, DateTimeOffset.UtcNow, [new PlanetRoot(identity, [InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, port))])], key);
        _planet.Save(PlanetPath);
        var root = new ManagedNode(new ManagedNodeOptions { Planet = _planet, Identity = identity, Port = port });
        _nodes.Add(root);
        await root.StartAsync();
        Client = await StartNodeAsync();
    }

    /// <summary>A node that is online and ready.</summary>
    public async Task<ManagedNode> StartNodeAsync(Func<IDatagramTransport>? transport = null, INetworkController? controller = null)
    {
        var node = new ManagedNode(new ManagedNodeOptions
        {
            Planet = _planet,
            Identity = await NewIdentityAsync(),
            DatagramTransportFactory = transport,
            Controller = controller,
        });
        _nodes.Add(node);
        await node.JoinAsync(Network);
        await node.StartAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await node.WaitForOnlineAsync(limit.Token);
        await node.WaitForNetworkAsync(Network, limit.Token);
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            await _nodes[i].DisposeAsync();
        }

        foreach (var identity in _identities)
        {
            (identity as IDisposable)?.Dispose();
        }

        _folder.Delete(recursive: true);
    }

    private async Task<NodeIdentity> NewIdentityAsync()
    {
        var identity = await NodeIdentity.GenerateAsync();
        _identities.Add(identity);
        return identity;
    }
}
