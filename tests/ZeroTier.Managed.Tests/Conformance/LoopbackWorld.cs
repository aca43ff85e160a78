using System.Net;
using ZeroTier.Managed.Tests.Node;

namespace ZeroTier.Managed.Tests.Conformance;

/// <summary>A private universe on loopback UDP: one root, and nodes as they are asked for. Disposal ends them all.</summary>
internal sealed class LoopbackWorld : IAsyncDisposable
{
    private readonly List<ManagedNode> _nodes = [];
    private int _identities;

    private LoopbackWorld(Planet planet) => Planet = planet;

    public Planet Planet { get; }

    public ManagedNode Root { get; private set; } = null!;

    public static async Task<LoopbackWorld> StartAsync(CancellationToken cancellationToken)
    {
        var identity = TestIdentities.Get(0);

        // The root's port must be in the planet before the root starts; a free one is found by binding it once.
        int port;
        await using (var probe = UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true }))
        {
            port = probe.LocalEndPoints[0].Port;
        }

        using var key = PlanetSigningKey.Generate();
        var planet = Planet.Create(
            7, DateTimeOffset.UtcNow, [new PlanetRoot(identity, [InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, port))])], key);
        var world = new LoopbackWorld(planet);
        try
        {
            world.Root = world.CreateNode(options => options with { Identity = identity, Port = port });
            await world.Root.StartAsync(cancellationToken);
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    public NodeIdentity NextIdentity() => TestIdentities.Get(++_identities);

    public ManagedNode CreateNode(Func<ManagedNodeOptions, ManagedNodeOptions>? configure = null)
    {
        var options = new ManagedNodeOptions { Planet = Planet };
        options = configure is null ? options with { Identity = NextIdentity() } : configure(options);
        var node = new ManagedNode(options);
        _nodes.Add(node);
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            await _nodes[i].DisposeAsync();
        }
    }
}
