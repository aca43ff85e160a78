using System.Reflection;
using ZeroTier.Engines;
using ZeroTier.Libzt.Node;

namespace ZeroTier.Libzt;

/// <summary>A ZeroTier node on the native library libzt, which allows one running node per process. Thread-safe.</summary>
/// <remarks>
/// <para>Any number of objects may exist, but a second one that is started while the first runs throws. A start within a second after a stop waits for the rest of
/// that second. Each restart costs the process one native thread that never ends, so restarting is no way to recover from trouble.</para>
/// <para>libzt cannot handle operating-system descriptors from number 1024 on (outside Windows): a start in a process that has so many open is refused. Start the node
/// before the process opens them; libzt opens further ones when the machine's addresses change, which nothing can guard.</para>
/// <para>After <see cref="DisposeAsync"/> every call that would change something throws <see cref="ObjectDisposedException"/>.</para>
/// </remarks>
public sealed partial class LibztNode : IZeroTierNode
{
    // Lock order: the process' gate (NativeLife.Gate), then _lock. Nothing is called under _lock.
    private readonly Lock _lock = new();
    private readonly LibztNodeOptions _options;
    private readonly ZeroTierEventHub _hub;
    private readonly EventOutbox _events;
    private readonly StateSignal _changed;
    private readonly List<NetworkId> _joined;
    private IdentityText? _identity;
    private NodeId? _id;
    private volatile NodeSession? _session;
    private volatile ZeroTierException? _fatal;
    private volatile ZeroTierNodeState _state;

    /// <summary>Makes a node; the library is loaded and opened at the start.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public LibztNode(LibztNodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        _options = options;
        _joined = [.. options.Networks.Distinct()];
        _hub = new ZeroTierEventHub(options.Scheduler);
        _events = new EventOutbox(_hub, options.TimeProvider);
        _changed = new StateSignal(options.Scheduler);
    }

    /// <summary>True while a node of this process runs on libzt, so that no other one can.</summary>
    public static bool IsRunningInProcess => NativeLife.IsClaimed;

    /// <inheritdoc />
    public string Engine => "libzt";

    /// <summary>The version of this engine. libzt does not tell its own.</summary>
    public string EngineVersion { get; } = typeof(LibztNode).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <inheritdoc />
    public ZeroTierNodeState State => _state;

    /// <inheritdoc />
    public ZeroTierException? FatalError => _state == ZeroTierNodeState.Failed ? _fatal : null;

    /// <inheritdoc />
    public NodeId Id
    {
        get
        {
            lock (_lock)
            {
                return _id ?? throw NotRunning();
            }
        }
    }

    /// <inheritdoc />
    public bool IsOnline => _session?.IsOnline ?? false;

    /// <inheritdoc />
    public IReadOnlyList<ZeroTierNetwork> Networks
    {
        get
        {
            NetworkId[] joined;
            lock (_lock)
            {
                joined = [.. _joined];
            }

            var session = _session;
            return [.. joined.Select(id => session?.Find(id)?.Snapshot
                ?? new ZeroTierNetwork(id, ZeroTierNetworkStatus.RequestingConfiguration) { Detail = "The node does not run." })];
        }
    }

    /// <summary>The peers that libzt has told of, roots first; it tells neither their paths nor when it last heard of them.</summary>
    public IReadOnlyList<ZeroTierPeer> Peers => _session?.Peers ?? [];

    /// <inheritdoc />
    public async ValueTask DrainAsync(CancellationToken cancellationToken = default)
    {
        if (_session is { } session)
        {
            await session.Sockets.DrainAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        await NativeLife.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfDisposed();
            lock (_lock)
            {
                if (!_joined.Contains(network))
                {
                    _joined.Add(network);
                }
            }

            _session?.Join(network);
        }
        finally
        {
            NativeLife.Gate.Release();
        }
    }

    /// <inheritdoc />
    public async Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        await NativeLife.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfDisposed();
            lock (_lock)
            {
                _joined.Remove(network);
            }

            if (_session is { } session)
            {
                await session.LeaveAsync(network).ConfigureAwait(false);
            }
        }
        finally
        {
            NativeLife.Gate.Release();
        }
    }

    /// <inheritdoc />
    public async Task WaitForOnlineAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var change = _changed.Next;
            cancellationToken.ThrowIfCancellationRequested();
            if (Running().IsOnline)
            {
                return;
            }

            await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var change = _changed.Next;
            cancellationToken.ThrowIfCancellationRequested();
            var joined = Joined(Running(), network);
            if (joined.Snapshot is { IsReady: true } ready)
            {
                return ready;
            }

            if (joined.Failure is { } failure)
            {
                throw failure;
            }

            await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public IZeroTierEventSubscription Subscribe(int capacity = 256) => _hub.Subscribe(capacity);

    /// <inheritdoc />
    public async ValueTask<IZeroTierListener> ListenAsync(ZeroTierEndPoint endPoint, ZeroTierTransportOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        cancellationToken.ThrowIfCancellationRequested();
        var session = Running();
        var network = NodeSession.Usable(Joined(session, endPoint.Network));
        var ports = OpenPorts.Of(endPoint.Network);
        options ??= ZeroTierTransportOptions.Default;
        if (endPoint.Port != 0 || ports.IsAll)
        {
            ports.Require(endPoint);
            return await session.Sockets.ListenAsync(network, endPoint, options, cancellationToken).ConfigureAwait(false);
        }

        // libzt's own choice of a port would lie outside of the open ones.
        foreach (int port in ports.Shuffled())
        {
            try
            {
                return await session.Sockets.ListenAsync(
                    network, new ZeroTierEndPoint(endPoint.Network, endPoint.Address, port), options, cancellationToken).ConfigureAwait(false);
            }
            catch (ZeroTierException e) when (e.Error == ZeroTierError.AddressInUse)
            {
                // The next one.
            }
        }

        throw new ZeroTierException(ZeroTierError.AddressInUse, $"All open ports of network {endPoint.Network} ({ports}) are in use by this node. Use a network with more of them.");
    }

    /// <inheritdoc />
    public async ValueTask<ZeroTierConnection> ConnectAsync(ZeroTierEndPoint endPoint, ZeroTierTransportOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        cancellationToken.ThrowIfCancellationRequested();
        var session = Running();
        var network = NodeSession.Usable(Joined(session, endPoint.Network));
        if (endPoint.Address is not null)
        {
            OpenPorts.Of(endPoint.Network).Require(endPoint);
        }

        return await session.Sockets.ConnectAsync(network, endPoint, options ?? ZeroTierTransportOptions.Default, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<IZeroTierDatagramSocket> BindDatagramAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        cancellationToken.ThrowIfCancellationRequested();
        var session = Running();
        return await session.Sockets.BindDatagramAsync(NodeSession.Usable(Joined(session, endPoint.Network)), endPoint, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The node's counters. libzt counts no UDP datagrams and no repeated segments; bytes are those of the node's own sockets, and segments and drops are only there
    /// when the library was built with statistics.
    /// </summary>
    public ZeroTierStatistics GetStatistics() => _session?.GetStatistics() ?? new ZeroTierStatistics();

    private NodeSession Running() => _session ?? throw NotRunning();

    private static JoinedNetwork Joined(NodeSession session, NetworkId network) => session.Find(network) ?? throw new ZeroTierException(
        ZeroTierError.NetworkNotJoined, $"Network {network} is not joined. Join it first: add it to Networks, or call JoinAsync.");

    private ZeroTierException NotRunning() => FatalError is { } fatal
        ? new ZeroTierException(ZeroTierError.Fatal, fatal.Message, fatal)
        : new ZeroTierException(ZeroTierError.NotRunning, "The node does not run. Start it first, and do not stop it while it is in use.");

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_state == ZeroTierNodeState.Disposed, this);
}
