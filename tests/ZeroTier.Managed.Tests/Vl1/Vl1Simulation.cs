using System.Net;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl1.Admission;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Whole VL1 nodes on a virtual network in virtual time.</summary>
internal sealed class Vl1Simulation : IDisposable
{
    public const ushort Port = 9993;

    public Vl1Simulation(ulong seed = 1)
    {
        Clock = new VirtualClock();
        Network = new VirtualNetwork(Clock, seed) { DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(10) } };
    }

    public VirtualClock Clock { get; }

    public VirtualNetwork Network { get; }

    public List<SimulatedNode> Nodes { get; } = [];

    public PlanetSigningKey SigningKey { get; } = PlanetSigningKey.Generate(new SeededRandom(77));

    /// <summary>A planet with roots at the given addresses, the first with identity 0 and so on.</summary>
    public Planet CreatePlanet(params string[] rootAddresses) => Planet.Create(
        4711,
        Clock.GetUtcNow(),
        rootAddresses.Select((address, i) => new PlanetRoot(TestIdentities.All[i], [EndPoint(address)])),
        SigningKey);

    public static InetEndPoint EndPoint(string address, ushort port = Port) =>
        InetEndPoint.From(new IPEndPoint(IPAddress.Parse(address), port));

    public SimulatedNode Add(int identity, Planet planet, VirtualHost host, Action<SimulatedNode>? configure = null, ushort port = Port) =>
        Add(TestIdentities.All[identity], planet, host, configure, port);

    public SimulatedNode Add(
        NodeIdentity identity, Planet planet, VirtualHost host, Action<SimulatedNode>? configure = null, ushort port = Port)
    {
        var node = new SimulatedNode(this, identity, planet, host, port);
        configure?.Invoke(node);
        Nodes.Add(node);
        node.Start();
        return node;
    }

    public SimulatedNode Add(int identity, Planet planet, string address, Action<SimulatedNode>? configure = null) =>
        Add(identity, planet, Network.AddHost($"node{identity}", address), configure);

    public void Advance(double seconds) => Clock.Advance(TimeSpan.FromSeconds(seconds));

    public bool RunUntil(Func<bool> condition, double seconds) => Clock.RunUntil(condition, TimeSpan.FromSeconds(seconds));

    public void Dispose()
    {
        foreach (var node in Nodes)
        {
            node.Stop();
        }

        SigningKey.Dispose();
    }
}

/// <summary>One node of a <see cref="Vl1Simulation"/>; it can be stopped and started again.</summary>
internal sealed class SimulatedNode(Vl1Simulation simulation, NodeIdentity identity, Planet planet, VirtualHost host, ushort port)
{
    private VirtualDatagramTransport? _transport;
    private Vl1Node? _node;

    public RecordingClient Client { get; } = new();

    /// <summary>Its sockets, for packets that the node itself would not send.</summary>
    public VirtualDatagramTransport Transport => _transport!;

    public IReadOnlyList<KnownPeer> Known { get; set; } = [];

    public IdentityChecks Checks { get; set; } = new();

    public IReadOnlyList<MoonOrbit> Moons { get; set; } = [];

    public IReadOnlyList<IPNetwork> Blocked { get; set; } = [];

    public IReadOnlyList<TrustedPath> Trusted { get; set; } = [];

    public VirtualHost Host => host;

    public Planet Planet => planet;

    public NodeId Id => identity.Address;

    public Vl1Node Node => _node ?? throw new InvalidOperationException("Not started.");

    public void Start()
    {
        _transport = host.Open(port);
        _node = new Vl1Node(new Vl1NodeOptions
        {
            Identity = identity,
            Planet = planet,
            Transport = _transport,
            Client = Client,
            TimeProvider = simulation.Clock,
            Random = simulation.Network.Random.Fork(),
            KnownPeers = Known,
            Moons = Moons,
            BlockedNetworks = Blocked,
            TrustedPaths = Trusted,
            IdentityChecks = Checks,
        });
        _node.Start();
    }

    public void Stop()
    {
        if (_node is null)
        {
            return;
        }

        _transport!.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _node.Dispose();
        _node = null;
    }

    public void SendFrame(SimulatedNode to, params byte[] payload) => Node.Send(to.Id, Verb.Frame, payload);

    public Peer PeerOf(SimulatedNode other) =>
        Node.FindPeer(other.Id) ?? throw new InvalidOperationException($"{Id} does not know {other.Id}.");

    public bool IsDirectTo(SimulatedNode other) => Node.FindPeer(other.Id)?.IsDirect == true;
}
