using System.Net;
using ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Managed;

namespace EndToEnd.Tests.PrivateNetworks;

/// <summary>
/// A private network with IPv4 and RFC 4193 addresses on real loopback UDP. One node is root and controller; members come as the test
/// wants.
/// </summary>
internal sealed class PrivateNetwork : IAsyncDisposable
{
    private static readonly Actor Admin = new("admin");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ztkestrel-private-");
    private readonly List<ManagedNode> _nodes = [];
    private readonly NetworkController _controller;
    private int _identities = 1;

    private PrivateNetwork(NetworkController controller, Planet planet)
    {
        _controller = controller;
        Planet = planet;
        planet.Save(PlanetPath);
    }

    public Planet Planet { get; }

    public string PlanetPath => Path.Combine(_folder.FullName, "planet");

    public NetworkId Id { get; private set; }

    /// <summary>The identity of the controller, with which a test signs for members that are none of ours.</summary>
    public static NodeIdentity ControllerIdentity => TestIdentities.All[0];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Starts root and controller, and creates the network.</summary>
    public static async Task<PrivateNetwork> StartAsync(Func<ControllerNetwork, ControllerNetwork>? settings = null)
    {
        int port;
        await using (var probe = UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true }))
        {
            port = probe.LocalEndPoints[0].Port;
        }

        using var key = PlanetSigningKey.Generate();
        var endPoint = InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, port));
        var planet = Planet.Create(7, DateTimeOffset.UtcNow, [new PlanetRoot(ControllerIdentity, [endPoint])], key);
        var controller = await NetworkController.OpenAsync(new NetworkControllerOptions { Store = new MemoryControllerStore() }, Token);
        var network = new PrivateNetwork(controller, planet);
        var root = new ManagedNode(
            new ManagedNodeOptions { Planet = planet, Identity = TestIdentities.Get(0), Port = port, Controller = controller });
        network._nodes.Add(root);
        await root.StartAsync(Token);
        network.Id = (await controller.CreateNetworkAsync(
            n => (settings ?? (s => s))(n with
            {
                AssignsIPv4 = true,
                Routes = [new NetworkRoute(IPAddress.Parse("10.147.20.0"), 24, null)],
                AddressPools = [new AddressPool(IPAddress.Parse("10.147.20.1"), IPAddress.Parse("10.147.20.99"))],
                IPv6Assignment = IPv6Assignment.Rfc4193,
            }),
            Admin,
            Token)).Id;
        return network;
    }

    /// <summary>The index of an identity that nobody here has.</summary>
    public int NewIdentity() => _identities++;

    /// <summary>A member that is authorised and ready.</summary>
    public async Task<ManagedNode> StartMemberAsync()
    {
        var identity = TestIdentities.Get(NewIdentity());
        var node = new ManagedNode(new ManagedNodeOptions { Planet = Planet, Identity = identity });
        _nodes.Add(node);
        await AuthorizeAsync(identity.Address);
        await node.JoinAsync(Id, Token);
        await node.StartAsync(Token);
        await node.WaitForNetworkAsync(Id, Token);
        return node;
    }

    public Task AuthorizeAsync(NodeId node, bool authorized = true) => ChangeAsync(node, m => m with { IsAuthorized = authorized });

    public Task ChangeAsync(NodeId node, Func<ControllerMember, ControllerMember> change) =>
        _controller.UpdateMemberAsync(Id, node, change, null, Admin, Token);

    public Task ChangeAsync(Func<ControllerNetwork, ControllerNetwork> change) =>
        _controller.UpdateNetworkAsync(Id, change, null, Admin, Token);

    public async ValueTask DisposeAsync()
    {
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            await _nodes[i].DisposeAsync();
        }

        await _controller.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
