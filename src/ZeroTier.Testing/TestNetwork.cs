using System.Globalization;
using System.Net;
using Kestrel.Transport.ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Managed;
using ZeroTier.Testing.Hosting;
using ZeroTier.Testing.Memory;

namespace ZeroTier.Testing;

/// <summary>
/// A ZeroTier universe in memory, for tests: a root, and whatever nodes and apps the test puts on it. The nodes are real ones and so is all
/// that they say to each other; only the UDP below them is not. Any number of networks may live in one process beside each other.
/// Thread-safe.
/// </summary>
/// <remarks>
/// <para>Put an app on it with <c>UseZeroTierTestNetwork</c> and call it with
/// <see cref="CreateClientAsync(IServiceProvider, CancellationToken)"/>. Dispose of the apps first, then of the network.</para>
/// <para>No socket is opened and nothing is written to disk. The first nodes have the same IDs in every run; their keys are public, which
/// does no harm in memory.</para>
/// </remarks>
public sealed class TestNetwork : IAsyncDisposable
{
    private const int MaxNodes = 65_536;
    private const ushort UdpPort = 9993;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxLatency = TimeSpan.FromSeconds(10);

    // The root's identity and place are the same in every network, so one planet serves them all.
    private static readonly Lazy<Task<Planet>> SharedPlanet = new(MakePlanetAsync);

    private readonly MemoryWire _wire;
    private readonly TestNetworkOptions _options;
    private readonly Planet _planet;

    // Guards the fields below; nothing is called while it is held that waits.
    private readonly Lock _gate = new();
    private readonly List<ManagedNode> _nodes = [];
    private readonly List<NodeIdentity> _identities = [];
    private PrivateNetworks? _private;
    private readonly Dictionary<NetworkId, NetworkId> _substitutes = [];
    private Task<ManagedNode>? _client;
    private int _nextNode;
    private bool _disposed;

    private TestNetwork(TestNetworkOptions options, Planet planet)
    {
        _options = options;
        _planet = planet;
        _wire = new MemoryWire(options);
    }

    /// <summary>The network that nodes join: every port is open, addresses are IPv6 and follow from the node's ID.</summary>
    public static NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

    /// <summary>
    /// The controller of the networks that <see cref="CreateNetworkAsync(Func{ControllerNetwork, ControllerNetwork}, CancellationToken)"/>
    /// makes: members, rules, events.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public NetworkController Controller => Private.Controller;

    private PrivateNetworks Private => _private ?? throw new InvalidOperationException(
        "This test network has no controller. Start it with "
        + $"{nameof(TestNetworkOptions)}.{nameof(TestNetworkOptions.HasController)} = true.");

    /// <summary>Datagram transports now open: one for each running node, the root's included. 0 after everything was disposed of.</summary>
    internal int OpenTransports => _wire.Count;

    /// <summary>Makes a network without latency and loss, and starts its root.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public static Task<TestNetwork> StartAsync(CancellationToken cancellationToken = default) =>
        StartAsync(new TestNetworkOptions(), cancellationToken);

    /// <summary>Makes a network and starts its root.</summary>
    /// <param name="options">How the network behaves.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static Task<TestNetwork> StartAsync(TestNetworkOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Latency, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Latency, MaxLatency);
        if (options.Loss is not (>= 0 and <= 0.5))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Loss, "Loss must be from 0 to 0.5, for example 0.01.");
        }

        return StartCoreAsync(options, cancellationToken);
    }

    private static async Task<TestNetwork> StartCoreAsync(TestNetworkOptions options, CancellationToken cancellationToken)
    {
        var network = new TestNetwork(options, await SharedPlanet.Value.WaitAsync(cancellationToken).ConfigureAwait(false));
        try
        {
            network._private = options.HasController
                ? await PrivateNetworks.OpenAsync(options, cancellationToken).ConfigureAwait(false)
                : null;
            var settings = new ManagedNodeOptions { LoggerFactory = options.LoggerFactory, Controller = network._private?.Controller };
            var root = new ManagedNode(await network.ConfigureAsync(settings, cancellationToken).ConfigureAwait(false));
            network.Keep(root);
            await root.StartAsync(cancellationToken).ConfigureAwait(false);
            if (network._private is { } networks)
            {
                await networks.StartAsync(root, cancellationToken).ConfigureAwait(false);
            }

            return network;
        }
        catch
        {
            await network.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Makes a network with members: private, with IPv4 addresses 10.147.17.x and RFC 4193 addresses unless the settings say otherwise.
    /// </summary>
    /// <param name="settings">Gives the network its settings.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Its ID, which apps and nodes join.</returns>
    /// <exception cref="InvalidOperationException">There is no controller.</exception>
    public Task<NetworkId> CreateNetworkAsync(
        Func<ControllerNetwork, ControllerNetwork> settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Private.CreateAsync(settings, cancellationToken);
    }

    /// <summary>As above, for an app whose configuration has the ID of a real network: there the new one stands for it.</summary>
    /// <param name="configured">The ID in the app's configuration.</param>
    /// <param name="settings">Gives the network its settings.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Its own ID.</returns>
    /// <exception cref="InvalidOperationException">There is no controller, or an app has joined the configured network already.</exception>
    public async Task<NetworkId> CreateNetworkAsync(
        NetworkId configured, Func<ControllerNetwork, ControllerNetwork> settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var network = await Private.CreateAsync(settings, cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            if (!_substitutes.TryAdd(configured, network))
            {
                throw new InvalidOperationException(
                    $"Something stands for network {configured} already. Make the network before the app starts, and once.");
            }
        }

        return network;
    }

    /// <summary>
    /// Starts a node of the test's own on <see cref="Network"/>, for raw connections, datagrams and pings, or as a further caller. The
    /// network disposes of it at its end.
    /// </summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A node that is online and ready on the network.</returns>
    public Task<ManagedNode> StartNodeAsync(CancellationToken cancellationToken = default) => StartNodeAsync([], cancellationToken);

    /// <summary>
    /// Starts a node of the test's own, for raw connections, datagrams and pings, or as a further caller. The network disposes of it at its
    /// end.
    /// </summary>
    /// <param name="networks">The networks to join: ad-hoc ones, and those of the controller; none means <see cref="Network"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A node that is online and ready on all of its networks.</returns>
    public async Task<ManagedNode> StartNodeAsync(IEnumerable<NetworkId> networks, CancellationToken cancellationToken = default)
    {
        NetworkId[] joined = [.. networks];
        var options = new ManagedNodeOptions { Networks = joined.Length == 0 ? [Network] : joined, LoggerFactory = _options.LoggerFactory };
        var node = new ManagedNode(await ConfigureAsync(options, cancellationToken).ConfigureAwait(false));
        Keep(node);
        await node.StartAsync(cancellationToken).ConfigureAwait(false);
        await AdmitAsync(node.Id, options.Networks, cancellationToken).ConfigureAwait(false);
        await node.WaitForOnlineAsync(cancellationToken).WaitAsync(Patience, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        foreach (var network in options.Networks)
        {
            await node.WaitForNetworkAsync(network, cancellationToken)
                .WaitAsync(Patience, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }

        return node;
    }

    /// <summary>
    /// Options of one node on this network, for tests that build it themselves: roots, place and, where none is set, identity are filled
    /// in.
    /// </summary>
    /// <param name="options">The node's other options.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ObjectDisposedException">The network has ended.</exception>
    public Task<ManagedNodeOptions> ConfigureAsync(ManagedNodeOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return ConfigureCoreAsync(options, cancellationToken);
    }

    private async Task<ManagedNodeOptions> ConfigureCoreAsync(ManagedNodeOptions options, CancellationToken cancellationToken)
    {
        int index = TakeIndex();
        var identity = options.Identity;
        if (identity is null && options.StoragePath is null)
        {
            identity = await TestIdentities.GetAsync(index, cancellationToken).ConfigureAwait(false);
            lock (_gate)
            {
                _identities.Add(identity);
            }
        }

        var place = Place(index);
        return options with
        {
            Identity = identity,
            Planet = _planet,
            BindAddresses = [],
            DatagramTransportFactory = () => _wire.Open(place),
        };
    }

    /// <summary>
    /// An <see cref="HttpClient"/> on a virtual node that all clients of this network share, with the app's ZeroTier endpoint as its base
    /// address. Dispose of it as usual.
    /// </summary>
    /// <param name="services">The app's services: <c>factory.Services</c> of a <c>WebApplicationFactory</c>, <c>app.Services</c> of a
    /// <c>WebApplication</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidOperationException">The app cannot be reached on this network; the message says why and what to
    /// do.</exception>
    public Task<HttpClient> CreateClientAsync(IServiceProvider services, CancellationToken cancellationToken = default) =>
        CreateClientAsync(services, null, cancellationToken);

    /// <summary>
    /// An <see cref="HttpClient"/> on a virtual node, with the app's ZeroTier endpoint as its base address. Dispose of it as usual.
    /// </summary>
    /// <param name="services">The app's services: <c>factory.Services</c> of a <c>WebApplicationFactory</c>, <c>app.Services</c> of a
    /// <c>WebApplication</c>.</param>
    /// <param name="from">The node that calls; it must be on the endpoint's network. Null: one that all clients of this network share,
    /// which joins the network.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidOperationException">The app cannot be reached on this network; the message says why and what to
    /// do.</exception>
    public async Task<HttpClient> CreateClientAsync(
        IServiceProvider services, ZeroTierNode? from, CancellationToken cancellationToken = default)
    {
        var (address, network) = await FindAsync(services, cancellationToken).ConfigureAwait(false);
        var node = from;
        if (node is null)
        {
            node = await ClientNode().WaitAsync(cancellationToken).ConfigureAwait(false);
            await AdmitAsync(node.Id, [network], cancellationToken).ConfigureAwait(false);
            await node.JoinAsync(network, cancellationToken).ConfigureAwait(false);
            await node.WaitForNetworkAsync(network, cancellationToken)
                .WaitAsync(Patience, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }

        return new HttpClient(new ZeroTierHttpHandler(node)) { BaseAddress = address };
    }

    /// <summary>Where the app is reached: its first ZeroTier endpoint. Waits until the app's node is ready.</summary>
    /// <param name="services">The app's services, as for <see cref="CreateClientAsync(IServiceProvider, CancellationToken)"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidOperationException">The app cannot be reached on this network; the message says why and what to
    /// do.</exception>
    public async Task<Uri> GetBaseAddressAsync(IServiceProvider services, CancellationToken cancellationToken = default) =>
        (await FindAsync(services, cancellationToken).ConfigureAwait(false)).Address;

    /// <summary>Ends the network and the nodes that it started. Nodes of apps that still run lose their roots.</summary>
    public async ValueTask DisposeAsync()
    {
        ManagedNode[] nodes;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            nodes = [.. _nodes];
        }

        if (_private is { } names)
        {
            await names.StopAsync().ConfigureAwait(false);
        }

        // The root last, as it began.
        foreach (var node in nodes.Reverse())
        {
            await node.DisposeAsync().ConfigureAwait(false);
        }

        if (_private is { } controller)
        {
            await controller.DisposeAsync().ConfigureAwait(false);
        }

        lock (_gate)
        {
            foreach (var identity in _identities)
            {
                identity.Dispose();
            }
        }
    }

    /// <summary>
    /// The network that stands for one that an app configures: itself when it works without a controller, or is our controller's; else one
    /// of this universe that is open on every port, or that a test has made for it. The same for every app.
    /// </summary>
    internal NetworkId Substitute(NetworkId configured)
    {
        if (configured.IsAdHoc || _private?.Has(configured) == true)
        {
            return configured;
        }

        lock (_gate)
        {
            if (!_substitutes.TryGetValue(configured, out var substitute))
            {
                _substitutes[configured] = substitute = NetworkId.AdHoc((ushort)_substitutes.Count, ushort.MaxValue);
            }

            return substitute;
        }
    }

    /// <summary>Lets a node of this test network into networks of its controller, where that is its business.</summary>
    internal Task AdmitAsync(NodeId node, IEnumerable<NetworkId> networks, CancellationToken cancellationToken) =>
        _private is { } controller && _options.AuthorizesNodes
            ? controller.AdmitAsync(node, networks, cancellationToken)
            : Task.CompletedTask;

    /// <summary>The same for a text; what is no network ID stays, for the validator to report.</summary>
    internal string Substitute(string configured) =>
        NetworkId.TryParse(configured, out var parsed) && parsed.Value != 0 ? Substitute(parsed).ToString() : configured;

    private Task<(Uri Address, NetworkId Network)> FindAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(services);
        var app = new TestedApp(services);
        app.Check(this);
        return app.GetAddressAsync(Patience, cancellationToken);
    }

    private static InetEndPoint Place(int index) =>
        InetEndPoint.From(IPEndPoint.Parse(string.Create(CultureInfo.InvariantCulture, $"10.{index >> 8}.{index & 0xff}.1:{UdpPort}")));

    private static async Task<Planet> MakePlanetAsync()
    {
        using var identity = await TestIdentities.GetAsync(0, CancellationToken.None).ConfigureAwait(false);
        using var key = PlanetSigningKey.Generate();
        return Planet.Create(
            7,
            new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
            [new PlanetRoot(NodeIdentity.Parse(identity.ToString()), [Place(0)])],
            key);
    }

    private Task<ManagedNode> ClientNode()
    {
        lock (_gate)
        {
            // After a failure the next client tries again.
            return _client = _client is null or { IsFaulted: true } or { IsCanceled: true } ? Task.Run(() => StartNodeAsync()) : _client;
        }
    }

    private int TakeIndex()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _nextNode < MaxNodes
                ? _nextNode++
                : throw new InvalidOperationException($"A test network has places for {MaxNodes} nodes.");
        }
    }

    private void Keep(ManagedNode node)
    {
        lock (_gate)
        {
            // It has not been started, so there is nothing to end.
            ObjectDisposedException.ThrowIf(_disposed, this);
            _nodes.Add(node);
        }
    }
}
