using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Libzt.Native;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Node;

/// <summary>A running node, from start to stop: the native node, its polled state, and its sockets. Thread-safe.</summary>
/// <remarks>
/// <para>The state comes from polling: every 25 ms while a change is expected soon, else every 250 ms. Native events may be lost,
/// duplicated or late (docs/protocol/4-libzt-api.md 7); they only trigger the next poll, and report peers, which cannot be queried.</para>
/// <para>Lock order: the process' gate (<see cref="NativeLifecycle.Gate"/>), then <c>_lock</c>, which guards the table of networks and
/// every native control call after the start. Nothing that waits or runs application code is called under it.</para>
/// </remarks>
internal sealed partial class NodeSession : INodeSession<JoinedNetwork>, INativeEventSink
{
    private static readonly TimeSpan Busy = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Calm = TimeSpan.FromMilliseconds(250);

    // Fast polling ends after this time without a change.
    private static readonly TimeSpan BusyFor = TimeSpan.FromSeconds(30);
    private const int MaxNotices = 4096;

    private readonly Lock _lock = new();
    private readonly LibztNodeOptions _options;
    private readonly LibztLibrary _library;
    private readonly EventOutbox _events;
    private readonly StateSignal _changed;
    private readonly Action<NodeSession, ZeroTierException> _fail;
    private readonly ILogger _log;
    private readonly ConcurrentQueue<PeerNotice> _notices = new();
    private readonly List<PeerNotice> _taken = [];
    private readonly PeerTable _peers;
    private readonly OnlineState _online;
    private readonly ITimer _timer;
    private NodeFolder? _folder;
    private SocketLoop? _sockets;
    private StackStatistics _statistics = null!;
    private volatile JoinedNetwork[] _networks = [];
    private volatile bool _isOnline;
    private volatile bool _listening;
    private volatile bool _closing;
    private bool _gone;
    private int _isHinted;
    private long _lastChange;
    private long _heardAtLastLook;

    private NodeSession(
        LibztNodeOptions options,
        LibztLibrary library,
        EventOutbox events,
        StateSignal changed,
        Action<NodeSession, ZeroTierException> fail)
    {
        _options = options;
        _library = library;
        _events = events;
        _changed = changed;
        _fail = fail;
        _log = NonThrowingLogger.Create(options.LoggerFactory, NodeLog.Category);
        _peers = new PeerTable(options.TimeProvider);
        _online = new OnlineState(options.TimeProvider);
        _timer = options.TimeProvider.CreateTimer(
            static session => ((NodeSession)session!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public NodeId Id { get; private set; }

    // Received traffic proves that the node is online, even before the next poll.
    public bool IsOnline =>
        !_closing && (_isOnline || (_sockets is { } sockets && sockets.Counters.HeardFromPeers != Volatile.Read(ref _heardAtLastLook)));

    public IReadOnlyList<ZeroTierPeer> Peers => _closing ? [] : _peers.Snapshot();

    public SocketLoop Sockets => _sockets!;

    public JoinedNetwork? Find(NetworkId id) => Array.Find(_networks, network => network.Id == id);

    public ZeroTierPeer? FindPeer(NodeId node) => _closing ? null : _peers.Find(node);

    /// <summary>The node's addresses on a network that can carry traffic.</summary>
    /// <exception cref="ZeroTierException">The network is not usable at present.</exception>
    public static NetworkView Usable(JoinedNetwork network) => network.Snapshot is { IsReady: true } snapshot
        ? new NetworkView(snapshot.Id, snapshot.Addresses)
        : throw new ZeroTierException(
            ZeroTierError.NetworkUnavailable, network.Snapshot.Detail ?? $"Network {network.Id} is not usable now.");

    /// <summary>Joins a network. The caller holds the gate.</summary>
    public void Join(NetworkId id)
    {
        lock (_lock)
        {
            if (_closing || Find(id) is not null)
            {
                return;
            }

            Add(id);
            _lastChange = _options.TimeProvider.GetTimestamp();
        }

        StoreNetworks();
        Look();
        _changed.Pulse();
    }

    /// <summary>Leaves a network: its listeners close, its connections are reset. The caller holds the gate.</summary>
    public async Task LeaveAsync(NetworkId id)
    {
        lock (_lock)
        {
            if (_closing || Find(id) is not { } network)
            {
                return;
            }

            _networks = Array.FindAll(_networks, other => other != network);
            _events.Add(ZeroTierEventCode.NetworkDown, id);
        }

        _events.Publish();
        _changed.Pulse();

        // Before libzt removes the interface, which would abort the connections without sending resets.
        if (!await NativeLifecycle.EndsInTimeAsync(Sockets.CloseNetworkAsync(id)).ConfigureAwait(false))
        {
            var frozen = NativeLifecycle.Frozen();
            _fail(this, frozen);
            throw frozen;
        }

        lock (_lock)
        {
            if (!_closing && id.Value != 0)
            {
                Zts.NetLeave(id.Value);
            }
        }

        StoreNetworks();
        LifecycleLog.Left(_log, id);
    }

    public ZeroTierStatistics GetStatistics() => _statistics.Since(Sockets.Counters);

    void INativeEventSink.OnNativeEvent(NativeEvent code, PeerInfo? peer)
    {
        if (_notices.Count < MaxNotices)
        {
            _notices.Enqueue(new PeerNotice(code, peer ?? default));
        }

        // Triggers at most one poll until the next one has begun, however many events arrive. Not before the first poll, which Watch makes.
        if (_listening && Interlocked.Exchange(ref _isHinted, 1) == 0)
        {
            _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    // Called with the gate held, which keeps these writes in order.
    private void StoreNetworks() => _folder?.SetNetworks([.. _networks.Select(n => n.Id)]);

    private void Add(NetworkId id)
    {
        _networks = [.. _networks, new JoinedNetwork(id, Id, _options.TimeProvider)];
        if (id.Value != 0)
        {
            Zts.NetJoin(id.Value);
        }
    }

    /// <summary>Polls, and always schedules the next poll, even after an exception: nothing else updates the state.</summary>
    private void Look()
    {
        try
        {
            Poll();
        }
        catch (Exception e)
        {
            NodeLog.LookFailed(_log, e);
            lock (_lock)
            {
                if (!_closing)
                {
                    _timer.Change(Calm, Timeout.InfiniteTimeSpan);
                }
            }

            _changed.Pulse();
        }
    }

    /// <summary>Reads the whole state, publishes changes, and schedules the next poll.</summary>
    private void Poll()
    {
        bool changed;
        lock (_lock)
        {
            if (_closing)
            {
                return;
            }

            Interlocked.Exchange(ref _isHinted, 0);
            TakeNotices();
            if (Zts.NodeGetId() == Zts.NoNode)
            {
                _gone = true;
                _closing = true;
                changed = true;
            }
            else
            {
                changed = ObserveOnline() | ObserveNetworks();
                Arm(changed);
            }
        }

        try
        {
            _events.Publish();
            if (changed)
            {
                _changed.Pulse();
            }
        }
        finally
        {
            if (_gone)
            {
                var error = Ended();
                LifecycleLog.Failed(_log, Id, error.Message);
                _fail(this, error);
            }
        }
    }

    private void Arm(bool changed)
    {
        var time = _options.TimeProvider;
        _lastChange = changed || _lastChange == 0 ? time.GetTimestamp() : _lastChange;
        bool expecting = !_isOnline || Array.Exists(_networks, n => n.IsPending);
        bool busy = _online.IsSettling || (expecting && time.GetElapsedTime(_lastChange) < BusyFor);
        _timer.Change(busy ? Busy : Calm, Timeout.InfiniteTimeSpan);

        // An event that arrived during this poll had set the timer to zero, which the line above has overwritten.
        if (Volatile.Read(ref _isHinted) != 0)
        {
            _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private void TakeNotices()
    {
        while (_notices.TryDequeue(out var notice))
        {
            _taken.Add(notice);
        }

        // Events before the core's own NodeUp event are left over from an earlier session (section 7.1).
        int first = _taken.FindLastIndex(notice => notice.Code == NativeEvent.NodeUp) + 1;
        if (first > 0)
        {
            _peers.Clear();
        }

        for (int i = first; i < _taken.Count; i++)
        {
            _online.OnEvent(_taken[i].Code);
            if (_peers.Apply(_taken[i]) is { } news)
            {
                _events.Add(news.Code, peer: news.Peer);
            }
        }

        _taken.Clear();
    }

    private bool ObserveOnline()
    {
        long heard = _sockets?.Counters.HeardFromPeers ?? 0;
        bool changed = _online.Observe(Zts.NodeIsOnline() == 1, traffic: heard != _heardAtLastLook);
        _isOnline = _online.IsOnline;
        Volatile.Write(ref _heardAtLastLook, heard);
        if (!changed)
        {
            return false;
        }

        _events.Add(_isOnline ? ZeroTierEventCode.NodeOnline : ZeroTierEventCode.NodeOffline);
        if (_isOnline)
        {
            LifecycleLog.Online(_log, Id);
        }
        else
        {
            LifecycleLog.Offline(_log, Id);
        }

        return true;
    }

    private bool ObserveNetworks()
    {
        bool changed = false;
        foreach (var network in _networks)
        {
            if (network.Id.Value == 0)
            {
                // libzt does not accept network ID 0.
                changed |= network.Observe(new NetworkObservation(ZeroTierNetworkStatus.NotFound, false, 0, "", null, []), _events);
            }
            else if (NetworkObservation.Read(network.Id) is { } seen)
            {
                var before = network.Snapshot;
                if (!before.Addresses.SequenceEqual(seen.Addresses))
                {
                    // Before the state is published, so that the socket loop has the addresses when callers see them.
                    _sockets?.UpdateNetwork(new NetworkView(network.Id, seen.Addresses));
                }

                changed |= network.Observe(seen, _events);
                Log(before, network.Snapshot);
            }

            if (_isOnline)
            {
                network.Announce(_events);
            }
        }

        return changed;
    }

    private void Log(ZeroTierNetwork before, ZeroTierNetwork now)
    {
        if (now.IsReady && !before.IsReady)
        {
            LifecycleLog.Joined(_log, now.Id, string.Join(", ", now.Addresses));
        }
        else if (now.Detail is not null && now.Status != before.Status)
        {
            LifecycleLog.Unavailable(_log, now.Id, now.Detail);
        }
    }

    private ZeroTierException Ended() => new(
        ZeroTierError.Fatal,
        $"libzt has ended node {Id} by itself. The usual reason is that another node has the same address: its identity was copied, or "
        + "stolen. Stop the other node, or give this one an identity of its own"
        + (_folder is { } folder ? $" by moving '{folder.Path}' away" : "") + ", then start it again.");
}
