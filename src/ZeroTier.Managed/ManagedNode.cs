using System.Net;
using System.Reflection;
using ZeroTier.Engines;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Node;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed;

/// <summary>A ZeroTier node in managed code. Any number may live in one process. Thread-safe.</summary>
/// <remarks>After <see cref="DisposeAsync"/> every call that would change something throws <see cref="ObjectDisposedException"/>.</remarks>
public sealed class ManagedNode : IZeroTierNode
{
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    // Lock order: the life-cycle gate, then _lock. Nothing is called under _lock.
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Lock _lock = new();
    private readonly ManagedNodeOptions _options;
    private readonly ZeroTierEventHub _hub;
    private readonly EventOutbox _events;
    private readonly StateSignal _changed;
    private readonly List<NetworkId> _joined;
    private NodeIdentity? _identity;
    private NodeId? _id;
    private volatile NodeSession? _session;
    private volatile ZeroTierException? _fatal;
    private volatile ZeroTierNodeState _state;

    /// <summary>Makes a node; nothing is opened before the start.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public ManagedNode(ManagedNodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        _options = options;
        _identity = options.Identity;
        _joined = [.. options.Networks.Distinct()];
        _hub = new ZeroTierEventHub(options.Scheduler);
        _events = new EventOutbox(_hub, options.TimeProvider);
        _changed = new StateSignal(options.Scheduler);
    }

    /// <inheritdoc />
    public string Engine => "managed";

    /// <inheritdoc />
    public string EngineVersion { get; } = typeof(ManagedNode).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

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

    /// <summary>The planet in use: the configured one, or a newer one that a root handed out. Null while the node does not run.</summary>
    public Planet? Planet => _session?.Planet;

    /// <summary>The physical UDP endpoints that are bound now; empty while the node does not run.</summary>
    public IReadOnlyList<IPEndPoint> LocalEndPoints => _session?.LocalEndPoints ?? [];

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

    /// <inheritdoc />
    public IReadOnlyList<ZeroTierPeer> Peers => _session?.Peers ?? [];

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await StartCoreAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc />
    public async ValueTask DrainAsync(CancellationToken cancellationToken = default)
    {
        if (_session is { } session)
        {
            await Task.WhenAll(session.Networks.Select(n => n.Stack?.Tcp.DrainAsync(cancellationToken) ?? Task.CompletedTask)).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await StopCoreAsync(ZeroTierNodeState.Stopped).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc />
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await StopCoreAsync(ZeroTierNodeState.Stopped).ConfigureAwait(false);
            await StartCoreAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc />
    public async Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
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
            _gate.Release();
        }
    }

    /// <inheritdoc />
    public async Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfDisposed();
            lock (_lock)
            {
                _joined.Remove(network);
            }

            _session?.Leave(network);
        }
        finally
        {
            _gate.Release();
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
            var joined = Joined(network);
            if (joined.Snapshot.IsReady)
            {
                return joined.Snapshot;
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
    public ValueTask<IZeroTierListener> ListenAsync(ZeroTierEndPoint endPoint, ZeroTierTransportOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return new(Joined(endPoint.Network).Listen(endPoint, options ?? ZeroTierTransportOptions.Default));
        }
        catch (ZeroTierException e)
        {
            return ValueTask.FromException<IZeroTierListener>(e);
        }
    }

    /// <inheritdoc />
    public async ValueTask<ZeroTierConnection> ConnectAsync(ZeroTierEndPoint endPoint, ZeroTierTransportOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        cancellationToken.ThrowIfCancellationRequested();
        return await Joined(endPoint.Network).ConnectAsync(endPoint, options ?? ZeroTierTransportOptions.Default, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public ValueTask<IZeroTierDatagramSocket> BindDatagramAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return new(Joined(endPoint.Network).BindDatagram(endPoint));
        }
        catch (ZeroTierException e)
        {
            return ValueTask.FromException<IZeroTierDatagramSocket>(e);
        }
    }

    /// <summary>Sends an ICMP echo request over a network and waits for the reply.</summary>
    /// <param name="network">The network to send on.</param>
    /// <param name="address">Whom to ask.</param>
    /// <param name="payloadLength">Bytes of data to carry, 0 to 65,507.</param>
    /// <param name="timeout">How long to wait. Default 10 seconds.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The round-trip time.</returns>
    /// <exception cref="ZeroTierException">The network is not usable now, there is no route, or no answer came in time.</exception>
    public async ValueTask<TimeSpan> PingAsync(
        NetworkId network, IPAddress address, int payloadLength = 56, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return await Joined(network).PingAsync(address, payloadLength, timeout ?? PingTimeout, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public ZeroTierStatistics GetStatistics() => _session?.GetStatistics() ?? new ZeroTierStatistics();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_state != ZeroTierNodeState.Disposed)
            {
                await StopCoreAsync(ZeroTierNodeState.Disposed).ConfigureAwait(false);
                _state = ZeroTierNodeState.Disposed;
                if (_options.Identity is null)
                {
                    _identity?.Dispose();
                }

                _hub.Dispose();
                _changed.Pulse();
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task StartCoreAsync(CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        if (_state == ZeroTierNodeState.Running)
        {
            return;
        }

        // Out of "failed", a start begins anew.
        await StopCoreAsync(ZeroTierNodeState.Stopped).ConfigureAwait(false);
        if (_options.StoragePath is null && _identity is null)
        {
            _identity = await NodeIdentity.GenerateAsync(_options.RandomSource, cancellationToken).ConfigureAwait(false);
        }

        NetworkId[] networks;
        lock (_lock)
        {
            networks = [.. _joined];
        }

        _fatal = null;
        var session = await NodeSession.StartAsync(_options, _identity, networks, _events, _changed, Fail, cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            _id = session.Id;
            _joined.AddRange(session.Networks.Select(n => n.Id).Except(_joined));
        }

        _session = session;
        _state = ZeroTierNodeState.Running;
        _events.Publish();
        _changed.Pulse();
    }

    private async Task StopCoreAsync(ZeroTierNodeState end)
    {
        if (_session is { } session)
        {
            _state = end;
            _session = null;
            _changed.Pulse();
            await session.StopAsync().ConfigureAwait(false);
        }

        if (_state == ZeroTierNodeState.Failed)
        {
            _state = end;
        }

        _changed.Pulse();
    }

    /// <summary>The node cannot go on. Called from an engine thread, so the closing happens elsewhere.</summary>
    private void Fail(ZeroTierException error) => _options.Scheduler.Schedule(static state => _ = ((Failure)state!).RunAsync(), new Failure(this, error));

    private async Task FailAsync(ZeroTierException error)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_state != ZeroTierNodeState.Running)
            {
                return;
            }

            _fatal = error;
            _events.Add(ZeroTierEventCode.NodeFatalError, detail: error.Message);
            await StopCoreAsync(ZeroTierNodeState.Failed).ConfigureAwait(false);
            _state = ZeroTierNodeState.Failed;
        }
        finally
        {
            _gate.Release();
        }

        _changed.Pulse();
    }

    /// <summary>The present life of the node; null while it does not run.</summary>
    internal NodeSession? Session => _session;

    private NodeSession Running() => _session ?? throw NotRunning();

    private JoinedNetwork Joined(NetworkId network) => Running().Find(network) ?? throw new ZeroTierException(
        ZeroTierError.NetworkNotJoined, $"Network {network} is not joined. Join it first: add it to Networks, or call JoinAsync.");

    private ZeroTierException NotRunning() => FatalError is { } fatal
        ? new ZeroTierException(ZeroTierError.Fatal, fatal.Message, fatal)
        : new ZeroTierException(ZeroTierError.NotRunning, "The node does not run. Start it first, and do not stop it while it is in use.");

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_state == ZeroTierNodeState.Disposed, this);

    private static void Check(ManagedNodeOptions options)
    {
        if (options.Port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort)
        {
            throw new ArgumentException($"Port is {options.Port}; it must be from 0 to 65535, for example 9993, or 0 for any free port.", nameof(options));
        }

        if (options.ActivityTimeout < TimeSpan.FromSeconds(1))
        {
            throw new ArgumentException($"ActivityTimeout is {options.ActivityTimeout}; it must be at least 1 second, for example 00:00:30.", nameof(options));
        }

        if (options is { StoragePath: not null, Identity: not null })
        {
            throw new ArgumentException("StoragePath and Identity are both set; the identity comes from one of them. Set only one.", nameof(options));
        }

        if (options.StoragePath is { } path && string.IsNullOrWhiteSpace(path))
        {
            throw new ArgumentException("StoragePath is empty. Name a folder, for example /var/lib/myapp/zerotier, or leave it null.", nameof(options));
        }

        if (options.Identity is { HasSecret: false })
        {
            throw new ArgumentException($"Identity {options.Identity.Address} has no private key. Give the full identity.", nameof(options));
        }
    }

    private sealed record Failure(ManagedNode Node, ZeroTierException Error)
    {
        public Task RunAsync() => Node.FailAsync(Error);
    }
}
