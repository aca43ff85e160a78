using System.IO.Pipelines;

namespace ZeroTier.Engines;

/// <summary>
/// The state of a node, of any engine, that outlives its sessions (one session is one run from start to stop): joined networks, address,
/// lifecycle state, and waiters for changes. Thread-safe; methods that begin or end a session must be called with the gate held.
/// </summary>
internal sealed partial class NodeCore<TSession, TNetwork>
    where TSession : class, INodeSession<TNetwork>
    where TNetwork : class, IJoinedNetwork
{
    // Lock order: the gate, then _lock. Nothing is called under _lock.
    private readonly Lock _lock = new();
    private readonly ZeroTierNode _owner;
    private readonly SemaphoreSlim _gate;
    private readonly List<NetworkId> _joined;
    private NodeId? _id;
    private volatile TSession? _session;
    private volatile ZeroTierException? _fatal;
    private volatile ZeroTierNodeState _state;

    /// <summary>Creates the core of a node that does not run.</summary>
    /// <param name="owner">The node, named in <see cref="ObjectDisposedException"/>s.</param>
    /// <param name="gate">Held while a session begins or ends.</param>
    /// <param name="networks">The networks to join.</param>
    /// <param name="scheduler">Runs the continuations of waiters and event subscribers.</param>
    /// <param name="time">The clock for the time of events.</param>
    public NodeCore(ZeroTierNode owner, SemaphoreSlim gate, IEnumerable<NetworkId> networks, PipeScheduler scheduler, TimeProvider time)
    {
        _owner = owner;
        _gate = gate;
        _joined = [.. networks.Distinct()];
        Hub = new ZeroTierEventHub(scheduler);
        Events = new EventOutbox(Hub, time);
        Changed = new StateSignal(scheduler);
    }

    public ZeroTierEventHub Hub { get; }

    public EventOutbox Events { get; }

    /// <summary>Pulsed at each change that callers may wait for.</summary>
    public StateSignal Changed { get; }

    public ZeroTierNodeState State
    {
        get => _state;
        set => _state = value;
    }

    public ZeroTierException? FatalError => _state == ZeroTierNodeState.Failed ? _fatal : null;

    /// <summary>The current session; null while the node is not running.</summary>
    public TSession? Session => _session;

    /// <exception cref="ZeroTierException">The node never ran.</exception>
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

    /// <exception cref="ZeroTierException">The node does not run.</exception>
    public TSession Running() => _session ?? throw NotRunning();

    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_state == ZeroTierNodeState.Disposed, _owner);

    /// <summary>Runs an action while holding the gate, so that no session begins or ends meanwhile.</summary>
    public async Task ExclusivelyAsync(Func<Task> action, CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await action().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task WaitForOnlineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // Take the signal before reading the state, so that no change in between is missed.
            var change = Changed.Next;
            cancellationToken.ThrowIfCancellationRequested();
            if (Running().IsOnline)
            {
                return;
            }

            await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Records that a session has begun.</summary>
    /// <param name="session">The session.</param>
    /// <param name="remembered">Networks that it also joined because they were in its storage.</param>
    public void Begin(TSession session, IEnumerable<NetworkId> remembered)
    {
        lock (_lock)
        {
            _id = session.Id;
            _joined.AddRange(remembered.Except(_joined));
        }

        _fatal = null;
        _session = session;
        foreach (var network in Joined)
        {
            TraceJoin(network);
        }
    }

    /// <summary>Ends the current session, if there is one, and leaves the failed state.</summary>
    /// <param name="end">The node's state after this.</param>
    /// <param name="close">Closes the session. An error that it returns makes the node fail.</param>
    public async Task EndAsync(ZeroTierNodeState end, Func<TSession, Task<ZeroTierException?>> close)
    {
        if (_session is { } session)
        {
            _state = end;
            _session = null;
            Changed.Pulse();
            if (await close(session).ConfigureAwait(false) is { } error)
            {
                _fatal = error;
                _state = ZeroTierNodeState.Failed;
                Changed.Pulse();
                return;
            }
        }

        if (_state == ZeroTierNodeState.Failed)
        {
            _state = end;
        }

        Changed.Pulse();
    }

    /// <summary>Ends a session because of a fatal error.</summary>
    /// <param name="session">The session that failed; nothing happens when it is not the current one any more.</param>
    /// <param name="error">The fatal error.</param>
    /// <param name="close">As in <see cref="EndAsync"/>.</param>
    public async Task FailAsync(TSession session, ZeroTierException error, Func<TSession, Task<ZeroTierException?>> close)
    {
        await ExclusivelyAsync(async () =>
        {
            if (session != _session)
            {
                return;
            }

            _fatal = error;
            Events.Add(ZeroTierEventCode.NodeFatalError, detail: error.Message);
            await EndAsync(ZeroTierNodeState.Failed, close).ConfigureAwait(false);
            _state = ZeroTierNodeState.Failed;
        }).ConfigureAwait(false);
        Changed.Pulse();
    }

    /// <summary>Ends the node for good.</summary>
    /// <param name="close">As in <see cref="EndAsync"/>.</param>
    /// <param name="release">Releases resources that outlive sessions.</param>
    public Task DisposeAsync(Func<TSession, Task<ZeroTierException?>> close, Action release) => ExclusivelyAsync(async () =>
    {
        if (_state != ZeroTierNodeState.Disposed)
        {
            try
            {
                await EndAsync(ZeroTierNodeState.Disposed, close).ConfigureAwait(false);
            }
            finally
            {
                // Even if closing the last session throws, since disposal cannot be retried.
                _state = ZeroTierNodeState.Disposed;
                release();
                Hub.Dispose();
                Changed.Pulse();
            }
        }
    });

    private ZeroTierException NotRunning() => FatalError is { } fatal
        ? new ZeroTierException(ZeroTierError.Fatal, fatal.Message, fatal)
        : new ZeroTierException(ZeroTierError.NotRunning, "The node does not run. Start it first, and do not stop it while it is in use.");
}
