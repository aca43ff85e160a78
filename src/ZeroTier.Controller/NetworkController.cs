using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ZeroTier.Controller.Configuration;
using ZeroTier.Controller.Events;
using ZeroTier.Controller.Members;
using ZeroTier.Controller.Names;
using ZeroTier.Engines;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <summary>
/// A controller of ZeroTier networks: decides who is a member, distributes addresses, routes, rules and credentials, and informs members of
/// changes within a second. Runs in a <see cref="ManagedNode"/>, for the networks whose IDs begin with the node's address:
/// <see cref="ManagedNodeOptions.Controller"/>. Thread-safe.
/// </summary>
/// <remarks>
/// A change is durable in the store before its task completes and before members are informed. Changes are applied one at a time; records
/// are immutable snapshots. Dispose the controller after the node.
/// </remarks>
public sealed partial class NetworkController : INetworkController, IAsyncDisposable
{
    /// <summary>A member whose last request is within this time, in milliseconds, is online (docs/protocol/3-vl2.md 3.14).</summary>
    private const long OnlineTimeout = 120_000;

    private static readonly TimeSpan PresenceInterval = TimeSpan.FromSeconds(5);

    private readonly NetworkControllerOptions _options;
    private readonly IControllerStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly EventHub _events;
    private readonly WorkQueue _queue;
    private readonly ControllerClock _clock;
    private readonly ControllerCounters _counters = new();
    private readonly ConcurrentDictionary<NetworkId, NetworkState> _networks = new();
    private readonly CancellationTokenSource _end = new();
    private readonly long _startTimestamp;

    // The turn: a mutex held by anything that changes networks or members or sends to them: API calls, the worker, and the watch of the
    // store.
    private readonly SemaphoreSlim _turn = new(1, 1);

    private readonly List<Task> _background = [];
    private bool _startsWorker;
    private ITimer? _presence;
    private volatile IControllerPort? _port;
    private volatile IControllerLease? _lease;
    private int _disposed;

    private NetworkController(NetworkControllerOptions options)
    {
        _options = options;
        _store = options.Store;
        _time = options.TimeProvider;
        _log = NonThrowingLogger.Create(options.LoggerFactory, "ZeroTier.Controller");
        _events = new EventHub(_time);
        _queue = new WorkQueue(options.RandomSource);
        _clock = new ControllerClock(_time);
        _startTimestamp = _time.GetTimestamp();
    }

    /// <summary>The node that hosts the controller; null while none runs.</summary>
    public NodeId? Node => _port?.Identity.Address;

    /// <summary>Whether this process serves members: it holds the store's lease, and its node runs.</summary>
    public bool IsActive => _port is not null && _lease is { Lost.IsCancellationRequested: false };

    /// <summary>All networks, in the order of their IDs.</summary>
    public IReadOnlyList<ControllerNetwork> Networks => [.. _networks.Values.Select(n => n.Record).OrderBy(n => n.Id.Value)];

    private long Now => (long)_time.GetElapsedTime(_startTimestamp).TotalMilliseconds;

    /// <summary>Opens the store and reads everything from it.</summary>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels opening.</param>
    /// <returns>The controller, to be passed to a node.</returns>
    public static async Task<NetworkController> OpenAsync(NetworkControllerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxUnauthorizedMembers, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxMembersPerNetwork, 1);
        var controller = new NetworkController(options);
        try
        {
            await controller._store.OpenAsync(cancellationToken).ConfigureAwait(false);
            await controller.LoadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await controller.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        controller._background.Add(controller.KeepLeaseAsync());
        controller._background.Add(controller.WatchAsync());
        controller._presence = options.TimeProvider.CreateTimer(
            static c => ((NetworkController)c!).CheckPresence(), controller, PresenceInterval,
                PresenceInterval);
        return controller;
    }

    /// <summary>A network; null when it does not exist.</summary>
    public ControllerNetwork? FindNetwork(NetworkId id) => _networks.GetValueOrDefault(id)?.Record;

    /// <summary>The number of members of a network.</summary>
    /// <exception cref="KeyNotFoundException">There is no such network.</exception>
    public NetworkCounts CountMembers(NetworkId network) => Count(Find(network));

    /// <summary>As <see cref="CountMembers"/>, but zero when the network has been deleted.</summary>
    internal NetworkCounts CountOrNone(NetworkId network) =>
        _networks.TryGetValue(network, out NetworkState? state) ? Count(state) : default;

    private NetworkCounts Count(NetworkState network)
    {
        long now = Now;
        int total = 0, authorized = 0, online = 0;
        foreach (MemberState member in network.Members.Values)
        {
            total++;
            if (member.Record.IsAuthorized)
            {
                authorized++;
                online += member.IsOnline(now, OnlineTimeout) ? 1 : 0;
            }
        }

        return new NetworkCounts(total, authorized, online);
    }

    /// <summary>The members of a network, including nodes that are not authorised yet, in the order of their addresses.</summary>
    /// <exception cref="KeyNotFoundException">There is no such network.</exception>
    public IReadOnlyList<MemberStatus> GetMembers(NetworkId network) =>
        [.. Find(network).Members.Values.Select(Describe).OrderBy(m => m.Member.Node.Value)];

    /// <summary>A member; null when it does not exist.</summary>
    public MemberStatus? FindMember(NetworkId network, NodeId node) =>
        _networks.GetValueOrDefault(network)?.Members.GetValueOrDefault(node) is { } member ? Describe(member) : null;

    /// <summary>The networks of a controller node that serve names.</summary>
    internal IEnumerable<NetworkId> NetworksWithNames(NodeId node) =>
        _networks.Values.Select(n => n.Record).Where(n => n.ServesNames && n.Id.Controller == node).Select(n => n.Id);

    /// <summary>The names of a network; null when it serves none.</summary>
    internal NetworkNames? FindNames(NetworkId network) =>
        _networks.GetValueOrDefault(network) is { Record.ServesNames: true } state ? state.Names : null;

    /// <summary>Subscribes to all events from now on.</summary>
    public ControllerSubscription Subscribe() => _events.Subscribe();

    /// <summary>Reads the audit trail, newest first.</summary>
    /// <param name="query">The filter.</param>
    /// <param name="cancellationToken">Cancels reading.</param>
    public IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, CancellationToken cancellationToken = default) =>
        _store.ReadAuditAsync(query,
            cancellationToken);

    /// <summary>The counters since the controller was opened.</summary>
    public ControllerStatistics GetStatistics() => _counters.Read();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _port = null;

        // Synchronous cancellation is acceptable: only the controller's own code is registered, and it returns at once.
        _end.Cancel();
        if (_presence is { } presence)
        {
            await presence.DisposeAsync().ConfigureAwait(false);
        }

        await Task.WhenAll(_background).ConfigureAwait(false);

        // Wait for the holder of the turn; later callers get ObjectDisposedException.
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            _events.End();
            await _store.DisposeAsync().ConfigureAwait(false);
            _end.Dispose();
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        await foreach (ControllerNetwork network in _store.LoadNetworksAsync(cancellationToken).ConfigureAwait(false))
        {
            _networks[network.Id] = new NetworkState(network);
        }

        var members = new List<ControllerMember>();
        await foreach (ControllerMember member in _store.LoadMembersAsync(cancellationToken).ConfigureAwait(false))
        {
            members.Add(member);
        }

        foreach (ControllerMember member in members)
        {
            if (_networks.TryGetValue(member.Network, out NetworkState? network))
            {
                Take(network, member);
                if (!member.IsAuthorized
                    && member.LastDeauthorizedTime is { } putOut
                    && putOut > _time.GetUtcNow() - network.Record.EffectiveCertificateWindow)
                {
                    // The process that deauthorised it may not have sent the revocations.
                    network.Revocations.Add(member.Node, Now - (long)(_time.GetUtcNow() - putOut).TotalMilliseconds);
                }
            }
        }
    }

    private NetworkState Find(NetworkId id) => _networks.TryGetValue(id, out NetworkState? network)
        ? network
        : throw new KeyNotFoundException($"This controller has no network {id}. Check the ID.");

    private MemberStatus Describe(MemberState member)
    {
        long now = Now, last = member.LastRequest;
        return new MemberStatus
        {
            Member = member.Record,
            LastSeen = last == MemberState.Never ? null : _time.GetUtcNow() - TimeSpan.FromMilliseconds(now - last),
            IsOnline = member.IsOnline(now, OnlineTimeout),
            Addresses = member.Addresses,
        };
    }

    private void CheckPresence()
    {
        if (IsActive && _queue.Resume())
        {
            StartWorker();
        }

        long now = Now;
        foreach (NetworkState network in _networks.Values)
        {
            foreach (MemberState member in network.Members.Values)
            {
                if (member.IsShownOnline && !member.IsOnline(now, OnlineTimeout) && member.Show(online: false))
                {
                    _events.Publish(new MemberPresenceChanged(network.Id, member.Node, IsOnline: false));
                }
            }
        }
    }

    private async Task TakeTurnAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (_disposed != 0)
        {
            _turn.Release();
            ObjectDisposedException.ThrowIf(true, this);
        }
    }

    // The worker needs the turn, so it is started only after the turn is released.
    private void ReleaseTurn()
    {
        bool start = _startsWorker;
        _startsWorker = false;
        _turn.Release();
        if (start)
        {
            StartWorker();
        }
    }

    private void StartWorker() => _options.Scheduler.Schedule(static controller => _ = ((NetworkController)controller!).WorkAsync(), this);
}
