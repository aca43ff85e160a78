using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ZeroTier.Certificates;
using ZeroTier.Engines;
using ZeroTier.Managed.Capture;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Node;

/// <summary>One run of a node, from start to stop, with all its resources. Thread-safe.</summary>
/// <remarks>
/// Lock order: <c>_lock</c> guards the table of networks and what was announced; no code that sends, waits or belongs to the application is
/// called under it.
/// </remarks>
internal sealed partial class NodeSession : INodeSession<JoinedNetwork>
{
    // A quarter of the memory available to the process: the container's or the heap's limit, else the machine's memory.
    private const int DefaultBufferShare = 4;

    private readonly Lock _lock = new();
    private readonly ResourceStack _resources = new();
    private readonly CaptureTap _captures;
    private readonly EventOutbox _events;
    private readonly StateSignal _changed;
    private readonly Action<TimeSpan> _roundTrip;
    private readonly Action<NodeSession, ZeroTierException> _fail;
    private readonly ILogger _log;
    private readonly BufferBudget _buffers;
    private NetworkTable _table = null!;
    private Vl1Node _vl1 = null!;
    private IDatagramTransport _transport = null!;
    private readonly Dictionary<string, long> _pastDropped = [];
    private readonly Func<NetworkId, ZeroTierNetworkSettings?> _settings;
    private readonly NetworkList<JoinedNetwork> _networks = new();

    // Counters of networks that were left, so that the sums never decrease. Both under the lock.
    private ZeroTierStatistics _past = new();
    private JoinedNetwork? _leaving;
    private volatile bool _closing;
    private bool _readOnly;
    private long _nextStorageWarning = long.MinValue;
    private bool _online;

    private NodeSession(
        ManagedNodeOptions options,
        CaptureTap captures,
        Func<NetworkId, ZeroTierNetworkSettings?> settings,
        EventOutbox events,
        StateSignal changed,
        Action<TimeSpan> roundTrip,
        Action<NodeSession, ZeroTierException> fail)
    {
        Options = options;
        _captures = captures;
        _settings = settings;
        _events = events;
        _changed = changed;
        _roundTrip = roundTrip;
        _fail = fail;
        _log = NonThrowingLogger.Create(options.LoggerFactory, "ZeroTier.Managed.Node");
        long limit = options.MaxTotalBufferSize ?? Math.Max(1, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / DefaultBufferShare);
        _buffers = _resources.Add(new BufferBudget(options.TimeProvider, limit, OnBuffersUsedUp));
    }

    public ManagedNodeOptions Options { get; }

    /// <summary>The logger, which never throws.</summary>
    public ILogger Log => _log;

    public NodeId Id => _vl1.Id;

    public string PublicIdentity => _vl1.Identity.ToString();

    public bool IsOnline => !_closing && _vl1.IsOnline;

    public Planet Planet => _vl1.Planet;

    public IReadOnlyList<Moon> Moons => _vl1.Moons;

    public IReadOnlyList<JoinedNetwork> Networks => _networks.All;

    public IReadOnlyList<ZeroTierPeer> Peers => [.. _vl1.Snapshot().OrderByDescending(peer => peer.Role)];

    public IReadOnlyList<IPEndPoint> LocalEndPoints => [.. UdpEndPoints.Select(e => e.ToIPEndPoint())];

    // Excludes the socket of a TCP relay, which has no port.
    private IEnumerable<InetEndPoint> UdpEndPoints => _transport.LocalEndPoints.Where(e => e.Port != 0);

    /// <summary>Starts a node. When a step fails, everything opened before is closed again.</summary>
    /// <param name="options">The node's options.</param>
    /// <param name="captures">The running captures of frames.</param>
    /// <param name="identity">The identity of a node without a storage folder.</param>
    /// <param name="moons">Moons to use besides those in the storage folder.</param>
    /// <param name="networks">Networks to join, in this order, before those in the storage folder.</param>
    /// <param name="settings">The settings of a network that has its own; null for others.</param>
    /// <param name="events">Receives the events.</param>
    /// <param name="changed">Pulsed at each change of state.</param>
    /// <param name="roundTrip">Called with each measured round-trip time.</param>
    /// <param name="fail">Called when the node can no longer run.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    public static async Task<NodeSession> StartAsync(
        ManagedNodeOptions options,
        CaptureTap captures,
        NodeIdentity? identity,
        IReadOnlyList<MoonOrbit> moons,
        IReadOnlyList<NetworkId> networks,
        Func<NetworkId, ZeroTierNetworkSettings?> settings,
        EventOutbox events,
        StateSignal changed,
        Action<TimeSpan> roundTrip,
        Action<NodeSession, ZeroTierException> fail,
        CancellationToken cancellationToken)
    {
        var session = new NodeSession(options, captures, settings, events, changed, roundTrip, fail);
        try
        {
            await session.OpenAsync(identity, moons, networks, cancellationToken).ConfigureAwait(false);
            return session;
        }
        catch
        {
            session._closing = true;
            await session._resources.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops the node: connections are reset, listeners are closed.</summary>
    public async Task StopAsync()
    {
        lock (_lock)
        {
            _closing = true;
            foreach (var network in _networks.All)
            {
                _events.Add(ZeroTierEventCode.NetworkDown, network.Id);
            }
        }

        try
        {
            _events.Publish();
            StoreConfigurations();
            StorePeers();
        }
        finally
        {
            await _resources.DisposeAsync().ConfigureAwait(false);
        }

        _networks.Clear();
        LifecycleLog.Stopped(_log, Id);
        _events.Add(ZeroTierEventCode.NodeDown);
        _events.Publish();
    }

    public JoinedNetwork? Find(NetworkId id) => _networks.Find(id);

    /// <summary>The identity by which a node, which may be this one, is authenticated; null when it is not known.</summary>
    public NodeIdentity? FindIdentity(NodeId node) => _closing ? null : _vl1.FindIdentity(node);

    /// <summary>Signs with this node's identity that a TLS key is its own.</summary>
    public TlsKeyProof ProveTlsKey(TlsKeyStatement statement) => TlsKeySignature.Sign(_vl1.Identity, statement);

    public ZeroTierPeer? FindPeer(NodeId node) => _closing ? null : _vl1.Describe(node);

    /// <summary>Joins a network. The caller makes sure that joins and leaves do not overlap.</summary>
    public void Join(NetworkId id)
    {
        if (Find(id) is not null)
        {
            return;
        }

        var network = _table.Join(id, _files?.LoadConfiguration(id) ?? default);
        if (_settings(id) is { } settings)
        {
            network.Configure(settings);
        }

        lock (_lock)
        {
            _networks.Add(id, new JoinedNetwork(this, network));
        }

        Store(() => _files?.AddNetwork(id), "The joined network");
        network.Start();
    }

    /// <summary>Changes the settings that decide which assigned addresses and routes of a network are accepted.</summary>
    public void Configure(NetworkId id, ZeroTierNetworkSettings settings)
    {
        if (Find(id) is not { } network)
        {
            return;
        }

        network.Network.Configure(settings);
        lock (_lock)
        {
            // Also if there is no configuration yet: the snapshot contains the settings.
            network.Update(network.Network.State);
        }

        _changed.Pulse();
    }

    /// <summary>Leaves a network: its listeners are closed, its connections are reset.</summary>
    public void Leave(NetworkId id)
    {
        if (Find(id) is not { } network)
        {
            return;
        }

        lock (_lock)
        {
            _networks.Remove(id, network);
            _leaving = network;
            _events.Add(ZeroTierEventCode.NetworkDown, id);
        }

        lock (_networkFiles)
        {
            Store(() => _files?.RemoveNetwork(id), "That the network was left");
        }

        _events.Publish();
        _table.Leave(network.Network);
        lock (_lock)
        {
            _past = network.AddTo(_past, _pastDropped) with { TcpConnections = 0 };
            _leaving = null;
        }

        LifecycleLog.Left(_log, id);
        _changed.Pulse();
    }

    /// <summary>Uses a moon, or asks its seed for the definition.</summary>
    /// <exception cref="InvalidOperationException">The limit of moons is reached.</exception>
    public void Orbit(MoonOrbit orbit)
    {
        if (!_vl1.Orbit(orbit))
        {
            throw new InvalidOperationException(
                $"The node uses {Vl1Limits.Moons} moons already, and cannot use moon {orbit.Id:x16} too. Leave one first, by "
                + "DeorbitAsync.");
        }
    }

    /// <summary>Stops using a moon.</summary>
    public void Deorbit(ulong moon)
    {
        lock (_moonFiles)
        {
            _vl1.Deorbit(moon);
            Store(() => _files?.RemoveMoon(moon), "That the moon was left");
        }
    }

    public ZeroTierStatistics GetStatistics()
    {
        var dropped = new Dictionary<string, long>();
        _vl1.Drops.AddTo(dropped);
        _table.Drops.AddTo(dropped);
        lock (_lock)
        {
            foreach ((string reason, long count) in _pastDropped)
            {
                dropped[reason] = dropped.GetValueOrDefault(reason) + count;
            }

            var sum = _leaving?.AddTo(_past, dropped) ?? _past;
            foreach (var network in _networks.All)
            {
                sum = network.AddTo(sum, dropped);
            }

            return sum with
            {
                DatagramsReceived = _vl1.Traffic.DatagramsReceived,
                DatagramsSent = _vl1.Traffic.DatagramsSent,
                BytesReceived = _vl1.Traffic.BytesReceived,
                BytesSent = _vl1.Traffic.BytesSent,
                Dropped = dropped,
            };
        }
    }

    private async Task OpenAsync(
        NodeIdentity? identity, IReadOnlyList<MoonOrbit> moons, IReadOnlyList<NetworkId> networks, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // The identity is loaded and checked while the sockets are opened.
        var loading = Options.StoragePath is { } path ? BeginLoading(path, cancellationToken) : null;

        if (Options.PersistPeers && (Options.PeersPath ?? Options.StoragePath) is { } peers)
        {
            _peerFiles = new PeerFiles(peers, Options.TimeProvider, _log);
        }

        Planet planet;
        IDatagramTransport? udp = null;
        try
        {
            planet = LoadPlanet();
            udp = Options.DatagramTransportFactory?.Invoke() ?? OpenUdp(planet);
        }
        finally
        {
            // If both fail, the identity is what to mend first.
            identity = await OwnIdentityAsync(loading, identity, udp).ConfigureAwait(false);
        }

        StorePort(udp);
        _transport = _resources.Add(await WithTcpRelayAsync(udp, planet, identity!).ConfigureAwait(false));
        var tableOptions = new NetworkTableOptions
        {
            Client = this,
            TimeProvider = Options.TimeProvider,
            Random = Options.RandomSource,
            Completions = Options.Scheduler,
            Budget = _buffers,
            Settings = new ZeroTierNetworkSettings
            {
                AllowGlobal = Options.AllowGlobalAddresses,
                AllowDefault = Options.AllowDefaultRoutes,
            },
            Controller = Options.Controller,
            Captures = _captures,
        };
        _table = new NetworkTable(tableOptions, table => new Vl1Node(new Vl1NodeOptions
        {
            Identity = identity!,
            Planet = planet,
            // The configured ones first, since the number of moons is limited.
            Moons = [.. moons, .. (_files?.LoadMoons() ?? []).Select(moon => new MoonOrbit(moon))],
            Transport = _transport,
            BlockedNetworks = Options.BlockedNetworks,
            TrustedPaths = Options.TrustedPaths,
            Client = table,
            TimeProvider = Options.TimeProvider,
            Random = Options.RandomSource,
            Logger = NonThrowingLogger.Create(Options.LoggerFactory, "ZeroTier.Managed.Vl1"),
            OfflineAfter = Options.ActivityTimeout,
            KnownPeers = _peerFiles?.Load() ?? [],
        }));
        _vl1 = _table.Vl1;

        // Closed in this order: networks, which send resets, then the transport, then VL1.
        _resources.Add(new Closing(CloseTransportsAsync));
        _resources.Add(_table);
        _events.Add(ZeroTierEventCode.NodeUp);
        _vl1.Start();
        _table.Start();
        WatchForTcpRelay();
        NodeLog.Started(_log, Id, string.Join(", ", UdpEndPoints));
        if (Options.TrustedPaths.Count > 0)
        {
            NodeLog.TrustsPaths(_log, string.Join(", ", Options.TrustedPaths.Select(path => path.Network)));
        }

        if (_vl1.IsRoot)
        {
            NodeLog.IsRoot(_log, Id);
        }

        foreach (var network in networks.Concat(Options.RejoinsNetworks ? _files?.LoadNetworks() ?? [] : []))
        {
            Join(network);
        }

        if (_peerFiles is not null || _files is not null)
        {
            _resources.Add(Options.TimeProvider.CreateTimer(
                static session => ((NodeSession)session!).StoreChanges(), this, PeerStoreInterval, PeerStoreInterval));
        }

        cancellationToken.ThrowIfCancellationRequested();
        UpdateOnline();
    }

    private Planet LoadPlanet() =>
        (_files is null ? Options.Planet : _files.LoadPlanet(Options.Planet))
        ?? throw new ZeroTierException(
            ZeroTierError.Underlay,
            "No planet is set, so the node knows no roots. Set ManagedNodeOptions.Planet, for example "
            + "Planet.Load(\"/etc/myapp/planet\"), or put a file named 'planet' into the storage folder. No public roots are "
            + "used by default.");

    private void OnBuffersUsedUp(BudgetReport report)
    {
        if (report.Reset == 0)
        {
            NodeLog.BuffersUsedUp(_log, report.Used, report.Limit);
        }
        else
        {
            NodeLog.ConnectionsShed(_log, report.Reset, report.Freed, report.Limit);
        }
    }

    private async ValueTask CloseTransportsAsync()
    {
        try
        {
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            // After the transport, since VL1's keys are needed until then.
            _vl1.Dispose();
        }
    }


    private sealed class Closing(Func<ValueTask> close) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => close();
    }
}
