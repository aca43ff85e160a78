using System.Net;
using System.Net.Sockets;
using ZeroTier.Managed;

namespace ZeroTier.Libzt.Tests.Real;

/// <summary>
/// A private root of our own on an address of this machine, one node on the real library, and managed nodes as they are asked for.
/// </summary>
internal sealed class RealWorld : IAsyncDisposable
{
    // Finding an identity is a proof of work, so they are found once.
    private static readonly List<string> _identities = [];

    private readonly List<IAsyncDisposable> _nodes = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("zt-real-").FullName;
    private readonly Planet _planet;
    private int _next;

    private RealWorld(Planet planet) => _planet = planet;

    public static async Task<RealWorld> StartAsync(CancellationToken cancellationToken)
    {
        while (_identities.Count < 6)
        {
            using var found = await NodeIdentity.GenerateAsync(cancellationToken);
            _identities.Add(found.ToSecretText());
        }

        var identity = NodeIdentity.Parse(_identities[0]);
        int port = FreePort.Udp();
        using var key = PlanetSigningKey.Generate();
        var planet = Planet.Create(
            7, DateTimeOffset.UtcNow, [new PlanetRoot(identity, [InetEndPoint.From(new IPEndPoint(RealLibrary.Address, port))])], key);
        var world = new RealWorld(planet);
        try
        {
            var root = new ManagedNode(
                new ManagedNodeOptions { Planet = planet, Identity = identity, Port = port, BindAddresses = [RealLibrary.Address] });
            world._nodes.Add(root);
            await root.StartAsync(cancellationToken);
            world._next = 1;
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    public ManagedNode CreateManaged()
    {
        var node = new ManagedNode(
            new ManagedNodeOptions
            {
                Planet = _planet,
                Identity = NodeIdentity.Parse(_identities[_next++]),
                BindAddresses = [RealLibrary.Address],
            });
        _nodes.Add(node);
        return node;
    }

    /// <summary>The process' one node on libzt, with a folder, so that it has its address at once.</summary>
    public LibztNode CreateLibzt()
    {
        File.WriteAllText(Path.Combine(_folder, "identity.secret"), _identities[_next++]);
        string planet = Path.Combine(_folder, "planet");
        _planet.Save(planet);
        var node = new LibztNode(
            new LibztNodeOptions { StoragePath = _folder, PersistRoots = false, PersistPeers = false, AllowSecondaryPort = false });
        _nodes.Add(node);
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            await _nodes[i].DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
