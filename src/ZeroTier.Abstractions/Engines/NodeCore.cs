using System.IO.Pipelines;

namespace ZeroTier.Engines;

/// <summary>
/// State of a node of any engine that outlives its sessions: networks, address, state, and waiters for changes. Thread-safe; methods that
/// begin or end a session are called by the holder of the gate.
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

    /// <summary>Makes the core of a node that does not run.</summary>
    /// <param name="owner">The node, for the errors of its use after its end.</param>
    /// <param name="gate">Held while a life begins or ends.</param>
    /// <param name="networks">The networks to join.</param>
    /// <param name="scheduler">Runs those who wait and those who hear events.</param>
    /// <param name="time">Dates the events.</param>
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

    /// <summary>The present life; null while the node does not run.</summary>
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

    /// <summary>Runs an action while no other begins or ends a life.</summary>
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

    /// <summary>A life has begun.</summary>
    /// <param name="session">That life.</param>
    /// <param name="remembered">Networks that it joined besides, because they were stored.</param>
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

    /// <summary>Ends the present life, if there is one, and a failure.</summary>
    /// <param name="end">What the node is from now on.</param>
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

    /// <summary>The node cannot go on.</summary>
    /// <param name="session">Whose end it is: nothing happens when another life has begun since.</param>
    /// <param name="error">Why.</param>
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
    /// <param name="release">Frees what outlives lives.</param>
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
                // Even if closing the last session throws: it cannot be retried.
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
