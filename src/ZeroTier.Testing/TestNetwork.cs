using System.Globalization;
using System.Net;
using Kestrel.Transport.ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Managed;
using ZeroTier.Testing.Hosting;
using ZeroTier.Testing.Memory;

namespace ZeroTier.Testing;

/// <summary>
/// An in-memory ZeroTier planet for tests: a root, and the nodes and apps that the test adds. The nodes and their protocol are real; only
/// UDP is replaced by queues in memory. A process may have any number of test networks. Thread-safe.
/// </summary>
/// <remarks>
/// <para>Add an app with <c>UseZeroTierTestNetwork</c> and call it with
/// <see cref="CreateClientAsync(IServiceProvider, CancellationToken)"/>. Dispose the apps before the network.</para>
/// <para>No socket is opened and nothing is written to disk. The first nodes have the same IDs in every run; their private keys are
/// published, which is harmless in memory.</para>
/// </remarks>
public sealed class TestNetwork : IAsyncDisposable
{
    private const int MaxNodes = 65_536;
    private const ushort UdpPort = 9993;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxLatency = TimeSpan.FromSeconds(10);

    // The root has the same identity and endpoint in every test network, so all of them share one planet.
    private static readonly Lazy<Task<Planet>> SharedPlanet = new(MakePlanetAsync);

    private readonly MemoryWire _wire;
    private readonly TestNetworkOptions _options;
    private readonly Planet _planet;

    // Guards the fields below. Nothing that blocks is called while it is held.
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

    /// <summary>
    /// The network that nodes join by default: an ad-hoc network with all ports open and IPv6 addresses (6PLANE) derived from the node ID.
    /// </summary>
    public static NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

    /// <summary>
    /// The controller of the networks that <see cref="CreateNetworkAsync(Func{ControllerNetwork, ControllerNetwork}, CancellationToken)"/>
    /// creates, for their members, rules and events.
    /// </summary>
    /// <exception cref="InvalidOperationException">This test network has no controller.</exception>
    public NetworkController Controller => Private.Controller;

    private PrivateNetworks Private => _private ?? throw new InvalidOperationException(
        "This test network has no controller. Start it with "
        + $"{nameof(TestNetworkOptions)}.{nameof(TestNetworkOptions.HasController)} = true.");

    /// <summary>
    /// The number of open datagram transports: one for each running node, including the root. 0 after everything was disposed.
    /// </summary>
    internal int OpenTransports => _wire.Count;

    /// <summary>Creates a test network without latency and loss, and starts its root.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static Task<TestNetwork> StartAsync(CancellationToken cancellationToken = default) =>
        StartAsync(new TestNetworkOptions(), cancellationToken);

    /// <summary>Creates a test network and starts its root.</summary>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
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
    /// Creates a private network on the controller. It assigns IPv4 addresses 10.147.17.x and RFC 4193 addresses unless
    /// <paramref name="settings"/> changes that.
    /// </summary>
    /// <param name="settings">Changes the settings of the new network.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The network's ID, which apps and nodes join.</returns>
    /// <exception cref="InvalidOperationException">This test network has no controller.</exception>
    public Task<NetworkId> CreateNetworkAsync(
        Func<ControllerNetwork, ControllerNetwork> settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Private.CreateAsync(settings, cancellationToken);
    }

    /// <summary>
    /// Creates a private network on the controller that replaces a real network in the configuration of apps under test. It has the
    /// defaults of <see cref="CreateNetworkAsync(Func{ControllerNetwork, ControllerNetwork}, CancellationToken)"/>.
    /// </summary>
    /// <param name="configured">The ID in the app's configuration.</param>
    /// <param name="settings">Changes the settings of the new network.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The new network's ID.</returns>
    /// <exception cref="InvalidOperationException">This test network has no controller, or the configured network has a replacement
    /// already, for example because an app has started.</exception>
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
    /// Starts a node on <see cref="Network"/> for use by the test: raw connections, datagrams, pings, or another client. The test network
    /// disposes it.
    /// </summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>A node that is online and ready on the network.</returns>
    public Task<ManagedNode> StartNodeAsync(CancellationToken cancellationToken = default) => StartNodeAsync([], cancellationToken);

    /// <summary>
    /// Starts a node for use by the test: raw connections, datagrams, pings, or another client. The test network disposes it.
    /// </summary>
    /// <param name="networks">The networks to join: ad-hoc networks and networks of the controller; empty means
    /// <see cref="Network"/>.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
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
    /// Completes the options of one node on this test network, for tests that create the node themselves. Sets the planet, the transport
    /// and, unless the options have one or a storage folder, the identity.
    /// </summary>
    /// <param name="options">The node's other options.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ObjectDisposedException">The test network has been disposed.</exception>
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
    /// Creates an <see cref="HttpClient"/> whose base address is the app's ZeroTier endpoint. It uses a node that all such clients of this
    /// test network share. The caller disposes the client.
    /// </summary>
    /// <param name="services">The app's services: <c>factory.Services</c> of a <c>WebApplicationFactory</c>, <c>app.Services</c> of a
    /// <c>WebApplication</c>.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="InvalidOperationException">The app cannot be reached on this network; the message says why and what to
    /// do.</exception>
    public Task<HttpClient> CreateClientAsync(IServiceProvider services, CancellationToken cancellationToken = default) =>
        CreateClientAsync(services, null, cancellationToken);

    /// <summary>
    /// Creates an <see cref="HttpClient"/> whose base address is the app's ZeroTier endpoint. The caller disposes the client.
    /// </summary>
    /// <param name="services">The app's services: <c>factory.Services</c> of a <c>WebApplicationFactory</c>, <c>app.Services</c> of a
    /// <c>WebApplication</c>.</param>
    /// <param name="from">The client's node, which must be on the endpoint's network. Null for a node that all such clients of this test
    /// network share, which joins the endpoint's network.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
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

    /// <summary>Returns the URL of the app's first ZeroTier endpoint. Waits until the app's node is ready.</summary>
    /// <param name="services">The app's services, as for <see cref="CreateClientAsync(IServiceProvider, CancellationToken)"/>.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="InvalidOperationException">The app cannot be reached on this network; the message says why and what to
    /// do.</exception>
    public async Task<Uri> GetBaseAddressAsync(IServiceProvider services, CancellationToken cancellationToken = default) =>
        (await FindAsync(services, cancellationToken).ConfigureAwait(false)).Address;

    /// <summary>Stops the root and the nodes that the test network started. Nodes of apps that still run lose their root.</summary>
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

        // The root, which was started first, is disposed last.
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
    /// Returns the network that replaces one in an app's configuration: the same network if it is ad-hoc or belongs to this test network's
    /// controller; else the one that the test has created for it; else an ad-hoc network with all ports open. The same for every app.
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

    /// <summary>
    /// Authorises a node on those of the networks that belong to the controller, if <see cref="TestNetworkOptions.AuthorizesNodes"/> is
    /// set.
    /// </summary>
    internal Task AdmitAsync(NodeId node, IEnumerable<NetworkId> networks, CancellationToken cancellationToken) =>
        _private is { } controller && _options.AuthorizesNodes
            ? controller.AdmitAsync(node, networks, cancellationToken)
            : Task.CompletedTask;

    /// <summary>
    /// As above, for text. Text that is not a network ID is returned unchanged, so that the options' validator reports it.
    /// </summary>
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
            // If starting the node has failed, the next client tries again.
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
            // The node has not been started, so it needs no disposal.
            ObjectDisposedException.ThrowIf(_disposed, this);
            _nodes.Add(node);
        }
    }
}
