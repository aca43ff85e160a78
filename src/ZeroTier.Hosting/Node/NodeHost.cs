using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Certificates;
using ZeroTier.Engines;
using ZeroTier.Managed;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// The host's single node. Created and started once, by the host's start or the first use, whichever comes first
/// (docs/transport-contract.md rule 8.1). Until then it behaves like a stopped node, so that it can be injected anywhere.
/// </summary>
internal sealed class NodeHost : ZeroTierNode, IDisposable
{
    private static readonly TimeSpan OnlinePatience = TimeSpan.FromSeconds(10);

    private readonly INodeFactory _factory;
    private readonly IOptions<ZeroTierNodeOptions> _options;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly HostCapture _capture;
    private readonly CancellationTokenSource _closing = new();

    // Guards the fields below; nothing else is called while it is held.
    private readonly Lock _gate = new();
    private readonly List<DeferredSubscription> _early = [];
    private readonly List<(NetworkId Network, bool Join)> _earlyChanges = [];
    private Task? _start;
    private Task? _close;
    private NodeLease? _lease;
    private Task _watching = Task.CompletedTask;
    private IZeroTierEventSubscription? _events;

    public NodeHost(INodeFactory factory, IOptions<ZeroTierNodeOptions> options, TimeProvider timeProvider, ILoggerFactory loggerFactory)
    {
        _factory = factory;
        _options = options;
        _timeProvider = timeProvider;
        _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);
        Watch = new NodeWatch(timeProvider);
        Hosts = new HostTable(options);
        _capture = new HostCapture(_logger);
    }

    /// <summary>Observes the node's events.</summary>
    public NodeWatch Watch { get; }

    /// <summary>The names of <c>ZeroTier:Hosts</c>.</summary>
    public HostTable Hosts { get; }

    public override string Engine => Inner?.Engine ?? "none";

    public override string EngineVersion => Inner?.EngineVersion ?? "";

    public override ZeroTierNodeState State =>
        Inner?.State ?? (_closing.IsCancellationRequested ? ZeroTierNodeState.Disposed : ZeroTierNodeState.Stopped);

    public override ZeroTierException? FatalError => Inner?.FatalError;

    public override string? Warning => Inner?.Warning;

    public override NodeId Id => Started().Id;

    public override bool IsOnline => Inner?.IsOnline ?? false;

    public override IReadOnlyList<ZeroTierNetwork> Networks => Inner?.Networks ?? [];

    public override IReadOnlyList<ZeroTierPeer> Peers => Inner?.Peers ?? [];

    public override ZeroTierMembership? GetMembership(NetworkId network, NodeId member) => Inner?.GetMembership(network, member);

    /// <summary>The engine's node; null until it is created.</summary>
    public ZeroTierNode? Inner => Volatile.Read(ref _lease)?.Node;

    /// <summary>Why no node runs; null when one does.</summary>
    public string? LeftOut => !_options.Value.Enabled
        ? $"ZeroTier is off, because {ZeroTierNodeOptions.SectionName}:Enabled is false: no node runs, and nothing is served on ZeroTier."
        : _factory.LeftOut;

    /// <summary>Creates and starts the node, or waits for a start in progress. After a failure it may be called again.</summary>
    public Task EnsureStartedAsync(CancellationToken cancellationToken)
    {
        if (LeftOut is { } reason)
        {
            return Task.FromException(new ZeroTierException(ZeroTierError.NotRunning, reason));
        }

        Task start;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_close is not null, this);
            if (_start is null || _start.IsFaulted || _start.IsCanceled)
            {
                _start = StartOnceAsync(_closing.Token);
            }

            start = _start;
        }

        return start.WaitAsync(cancellationToken);
    }

    /// <summary>Applies the capture settings. Does nothing on an engine without captures.</summary>
    public ValueTask CaptureAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken) =>
        Inner is ManagedNode managed ? _capture.FollowAsync(managed, options, cancellationToken) : ValueTask.CompletedTask;

    /// <summary>Drains the node until the token is cancelled, then disposes it (rule 8.4). Never throws.</summary>
    /// <param name="drain">Ends the drain; null for no drain.</param>
    public Task CloseAsync(CancellationToken? drain)
    {
        lock (_gate)
        {
            return _close ??= CloseOnceAsync(_start, drain);
        }
    }

    public override async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await EnsureStartedAsync(cancellationToken).ConfigureAwait(false);
        await Started().StartAsync(cancellationToken).ConfigureAwait(false);
    }

    public override ValueTask DrainAsync(CancellationToken cancellationToken = default) =>
        Inner?.DrainAsync(cancellationToken) ?? ValueTask.CompletedTask;

    public override Task StopAsync(CancellationToken cancellationToken = default) =>
        Inner?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public override async Task RestartAsync(CancellationToken cancellationToken = default) =>
        await Started().RestartAsync(cancellationToken).ConfigureAwait(false);

    public override async Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        if (!IsKeptForTheStart(network, join: true))
        {
            await Started().JoinAsync(network, cancellationToken).ConfigureAwait(false);
        }
    }

    public override async Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        if (!IsKeptForTheStart(network, join: false))
        {
            await Started().LeaveAsync(network, cancellationToken).ConfigureAwait(false);
        }
    }

    public override async Task ConfigureAsync(
        NetworkId network, ZeroTierNetworkSettings settings, CancellationToken cancellationToken = default) =>
        await Started().ConfigureAsync(network, settings, cancellationToken).ConfigureAwait(false);

    public override async Task WaitForOnlineAsync(CancellationToken cancellationToken = default)
    {
        await EnsureStartedAsync(cancellationToken).ConfigureAwait(false);
        await Started().WaitForOnlineAsync(cancellationToken).ConfigureAwait(false);
    }

    public override async Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        await EnsureStartedAsync(cancellationToken).ConfigureAwait(false);
        return await Started().WaitForNetworkAsync(network, cancellationToken).ConfigureAwait(false);
    }

    public override IZeroTierEventSubscription Subscribe(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        NodeLease? lease;
        lock (_gate)
        {
            lease = _lease;
            if (lease is null)
            {
                var early = new DeferredSubscription(capacity, Forget);
                if (_close is null)
                {
                    _early.Add(early);
                }
                else
                {
                    // The host is closing: no more events, so the subscription ends at once.
                    early.Dispose();
                }

                return early;
            }
        }

        return lease.Node.Subscribe(capacity);
    }

    // Removed at disposal, because a host that never starts its node, such as a test server, may have any number of subscribers over time.
    private void Forget(DeferredSubscription early)
    {
        lock (_gate)
        {
            _early.Remove(early);
        }
    }

    protected override TimeProvider TimeProvider => _timeProvider;

    protected override async ValueTask<IZeroTierListener> ListenCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        var node = await StartedAsync(cancellationToken).ConfigureAwait(false);
        return await node.ListenAsync(endPoint, options, cancellationToken).ConfigureAwait(false);
    }

    protected override async ValueTask<ZeroTierConnection> ConnectCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        var node = await StartedAsync(cancellationToken).ConfigureAwait(false);
        return await node.ConnectAsync(endPoint, options, cancellationToken).ConfigureAwait(false);
    }

    protected override async ValueTask<ZeroTierConnection> ConnectCoreAsync(
        string host, int port, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        var node = await StartedAsync(cancellationToken).ConfigureAwait(false);
        return await node.ConnectAsync(host, port, options, cancellationToken).ConfigureAwait(false);
    }

    protected override async ValueTask<IZeroTierDatagramSocket> BindDatagramCoreAsync(
        ZeroTierEndPoint endPoint, CancellationToken cancellationToken)
    {
        var node = await StartedAsync(cancellationToken).ConfigureAwait(false);
        return await node.BindDatagramAsync(endPoint, cancellationToken).ConfigureAwait(false);
    }

    internal override TlsKeyProof? ProveTlsKey(TlsKeyStatement statement) => Started().ProveTlsKey(statement);

    internal override bool IsProofOf(NodeId node, TlsKeyStatement statement, TlsKeyProof proof) =>
        Inner?.IsProofOf(node, statement, proof) ?? false;

    internal override string? FindHost(string name) => Hosts.Find(name) ?? Inner?.FindHost(name);

    internal override ValueTask AskForAddressAsync(NodeId member, NetworkId network, CancellationToken cancellationToken) =>
        Inner?.AskForAddressAsync(member, network, cancellationToken) ?? ValueTask.CompletedTask;

    internal override IPAddress? FindAddress(NodeId member, NetworkId network) => Inner?.FindAddress(member, network);

    public override ZeroTierStatistics GetStatistics() => Inner?.GetStatistics() ?? new ZeroTierStatistics();

    public override async ValueTask DisposeAsync() => await CloseAsync(drain: null).ConfigureAwait(false);

    /// <summary>For containers that are disposed synchronously; the node then ends in the background.</summary>
    public void Dispose() => _ = CloseAsync(drain: null);

    /// <summary>
    /// Records joins and leaves that happen before the node is created; its start applies them, as with any stopped node.
    /// </summary>
    private bool IsKeptForTheStart(NetworkId network, bool join)
    {
        lock (_gate)
        {
            if (_lease is not null || _close is not null)
            {
                return false;
            }

            _earlyChanges.RemoveAll(change => change.Network == network);
            _earlyChanges.Add((network, join));
            return true;
        }
    }

    private NetworkId[] NetworksToJoin(ZeroTierNodeOptions options)
    {
        lock (_gate)
        {
            return
            [
                .. options.Networks.Select(NetworkId.Parse)
                    .Except(_earlyChanges.Where(change => !change.Join).Select(change => change.Network))
                    .Union(_earlyChanges.Where(change => change.Join).Select(change => change.Network)),
            ];
        }
    }

    private async Task StartOnceAsync(CancellationToken cancellationToken)
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var options = _options.Value;
        if (options.MisspeltSectionMessage is { } misspelt)
        {
            NodeLog.SectionMisspelt(_logger, misspelt);
        }

        var lease = await _factory.CreateAsync(options, cancellationToken).ConfigureAwait(false);
        var events = lease.Node.Subscribe();
        var watching = Watch.RunAsync(events);
        Attach(lease, events, watching);
        try
        {
            foreach (var network in NetworksToJoin(options))
            {
                await lease.Node.JoinAsync(network, cancellationToken).ConfigureAwait(false);
            }

            await CaptureAsync(options, cancellationToken).ConfigureAwait(false);
            await StartNamingSettingsAsync(lease.Node, cancellationToken).ConfigureAwait(false);
            RefuseImpossibleNetworks(lease.Node, options);
            lease.Started?.Invoke();
            _ = WarnUnlessOnlineAsync(lease.Node);
            NodeLog.NodeStarted(_logger, lease.Node.Id, lease.Node.Engine, lease.Node.EngineVersion);
            if (options.RequireReadyWithin is { } limit)
            {
                await Readiness.RequireAsync(lease.Node, options, limit, _timeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            // A failed start releases everything, so that the next attempt finds the storage folder and the port free.
            Volatile.Write(ref _lease, null);
            await ReleaseAsync(lease, events, watching).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Starts the node. Adds to errors of the storage folder or the port the name of the setting, which the engine does not know.
    /// </summary>
    private static async Task StartNamingSettingsAsync(ZeroTierNode node, CancellationToken cancellationToken)
    {
        try
        {
            await node.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ZeroTierException exception) when (exception.Error is ZeroTierError.Storage or ZeroTierError.Underlay)
        {
            string setting = exception.Error == ZeroTierError.Storage
                ? nameof(ZeroTierNodeOptions.StoragePath)
                : nameof(ZeroTierNodeOptions.Port);
            throw new ZeroTierException(
                exception.Error, $"{exception.Message} The setting is {ZeroTierNodeOptions.SectionName}:{setting}.", exception);
        }
    }

    /// <summary>Fails the start for configured networks that this engine can never join: waiting would not help.</summary>
    private static void RefuseImpossibleNetworks(ZeroTierNode node, ZeroTierNodeOptions options)
    {
        foreach (var network in node.Networks.Where(
            network => network.Status is ZeroTierNetworkStatus.NotSupported or ZeroTierNetworkStatus.NotFound))
        {
            if (options.Networks.Any(text => NetworkId.Parse(text) == network.Id))
            {
                throw new ZeroTierException(
                    ZeroTierError.NotSupported,
                    $"{ZeroTierNodeOptions.SectionName}:Networks holds '{network.Id}', which the {node.Engine} engine cannot join: "
                    + $"{network.Detail}");
            }
        }
    }

    /// <summary>Logs a warning if no root answers within some seconds, which would otherwise be visible in the health check only.</summary>
    private async Task WarnUnlessOnlineAsync(ZeroTierNode node)
    {
        try
        {
            await node.WaitForOnlineAsync(_closing.Token).WaitAsync(OnlinePatience, _timeProvider, _closing.Token).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            int direct = node.Peers.Count(peer => peer is { Role: ZeroTierPeerRole.Leaf, IsDirect: true });
            string reached = direct == 0 ? "" : $" Peers known from earlier runs that are reached meanwhile: {direct}.";
            NodeLog.NotOnline(_logger, OnlinePatience.TotalSeconds, $"{Readiness.NotOnline}.{reached}");
        }
        catch (Exception)
        {
            // The node has stopped or failed.
        }
    }

    private void Attach(NodeLease lease, IZeroTierEventSubscription events, Task watching)
    {
        DeferredSubscription[] early;
        lock (_gate)
        {
            _lease = lease;
            lease.Node.RoundTripMeasured = time => RoundTripMeasured?.Invoke(time);
            _events = events;
            _watching = watching;
            early = [.. _early];
            _early.Clear();
        }

        foreach (var subscription in early)
        {
            subscription.Attach(lease.Node);
        }
    }

    private async Task CloseOnceAsync(Task? start, CancellationToken? drain)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await _closing.CancelAsync().ConfigureAwait(false);
        }
        catch (AggregateException exception)
        {
            NodeLog.CloseFailed(_logger, exception);
        }

        if (start is not null)
        {
            // A start in progress ends by its token; its exception was reported to its caller.
            await start.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        foreach (var subscription in TakeEarly())
        {
            subscription.Dispose();
        }

        if (Volatile.Read(ref _lease) is not { } lease)
        {
            return;
        }

        try
        {
            if (drain is { IsCancellationRequested: true } && lease.Node.GetStatistics().TcpConnections > 0)
            {
                // The server's own drain has used up the shutdown timeout.
                NodeLog.DrainTimedOut(_logger);
            }
            else if (drain is { IsCancellationRequested: false } limit)
            {
                await lease.Node.DrainAsync(limit).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            NodeLog.DrainTimedOut(_logger);
        }
        catch (Exception exception)
        {
            NodeLog.CloseFailed(_logger, exception);
        }

        await ReleaseAsync(lease, _events, _watching).ConfigureAwait(false);
        Volatile.Write(ref _lease, null);
        Watch.Changed.Pulse();
    }

    private DeferredSubscription[] TakeEarly()
    {
        lock (_gate)
        {
            DeferredSubscription[] early = [.. _early];
            _early.Clear();
            return early;
        }
    }

    private async Task ReleaseAsync(NodeLease lease, IZeroTierEventSubscription? events, Task watching)
    {
        await CloseQuietlyAsync(lease.Node).ConfigureAwait(false);
        events?.Dispose();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (lease.Backing is { } backing)
        {
            await CloseQuietlyAsync(backing).ConfigureAwait(false);
        }
    }

    private async Task CloseQuietlyAsync(IAsyncDisposable resource)
    {
        try
        {
            await resource.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            NodeLog.CloseFailed(_logger, exception);
        }
    }

    /// <summary>The node; started here if the host has not done so, because not every kind of app runs hosted services.</summary>
    private async ValueTask<ZeroTierNode> StartedAsync(CancellationToken cancellationToken)
    {
        if (Inner is null && !_closing.IsCancellationRequested)
        {
            await EnsureStartedAsync(cancellationToken).ConfigureAwait(false);
        }

        return Started();
    }

    private ZeroTierNode Started() => Inner ?? throw new ZeroTierException(ZeroTierError.NotRunning, WhyNotRunning());

    private string WhyNotRunning() => _closing.IsCancellationRequested
        ? "The ZeroTier node has ended with its host."
        : LeftOut ?? "The ZeroTier node is not running yet. It starts with the host: use it after the start, or await WaitForOnlineAsync.";
}
