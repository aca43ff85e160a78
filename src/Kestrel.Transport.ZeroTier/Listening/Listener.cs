using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// A Kestrel listener that outlives the engine's listener: it attaches when its network comes up and again after each interruption. Section
/// 5 of docs/transport-contract.md; the state machine is drawn above <see cref="ListenerState"/>.
/// </summary>
internal sealed class Listener(
    ListenTarget target,
    NodeHost node,
    TransportResources resources,
    ListenerRegistry registry,
    AccessControl access,
    TimeProvider timeProvider,
    ILogger logger)
    : IConnectionListener
{
    // Attempts to find a free port; all fail only when nearly all ports are taken.
    private const int PortAttempts = 64;

    // An engine that hangs must not block Kestrel's other listeners or the host's shutdown (rule 5.5).
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _unbound = new();

    // Guards _engine and _state; nothing else is called while it is held.
    private readonly Lock _gate = new();
    private IZeroTierListener? _engine;
    private ListenerState _state = ListenerState.Waiting;
    private string _reason = "";

    // Used by the pending accept only: delays between attempts to attach, and between failed accepts.
    private Backoff _attaching = new(registry.Random);
    private Backoff _accepting = new(registry.Random);

    /// <summary>Traffic counters of the connections.</summary>
    public EndpointTraffic Traffic { get; } = new();

    /// <summary>The requested network, address and port.</summary>
    public ListenTarget Target => target;

    /// <summary>The actual port, even when 0 was requested.</summary>
    public int Port { get; private set; }

    /// <summary>The server address that Kestrel shows (rule 4.3).</summary>
    public EndPoint EndPoint { get; private set; } = target.EndPoint;

    /// <summary>The listener's state.</summary>
    public ListenerState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }
    }

    /// <summary>Why the state is <see cref="ListenerState.Waiting"/>.</summary>
    public string WaitingFor => Volatile.Read(ref _reason);

    /// <summary>
    /// Unique among the host's listeners: a moved "localhost" endpoint is two listeners with the same endpoint until the network is up.
    /// </summary>
    public string Name => $"{target.Network}/{EndPoint}{target.FamilyName}";

    /// <summary>Whether it waits for an address family that the network, although ready, does not have.</summary>
    public bool IsIdle =>
        target.Family is { } family && State == ListenerState.Waiting
        && FindNetwork() is { IsReady: true } network && network.Addresses.All(own => own.Address.AddressFamily != family);

    /// <summary>
    /// Whether it is idle and its other half accepts. Half of a moved "localhost" endpoint is in this state on most networks.
    /// </summary>
    /// <param name="all">The listeners of this host.</param>
    public bool IsIdleHalf(IEnumerable<Listener> all) =>
        IsIdle && all.Any(other => other.Port == Port && target.IsOtherFamilyOf(other.Target) && other.State == ListenerState.Attached);

    /// <summary>Claims the port and makes the first attempt. Returns at once when the network is not up (rule 5.2).</summary>
    /// <exception cref="AddressInUseException">The port is taken.</exception>
    /// <exception cref="ZeroTierException">The network can never carry this port.</exception>
    public async Task BindAsync(CancellationToken cancellationToken)
    {
        Port = registry.Add(this);

        // Read once, since the network may go down at any moment.
        var network = FindNetwork();
        bool resolved = target.TryResolve(network, Port, out var endPoint, out string reason);
        for (int attempt = 1; resolved && State == ListenerState.Waiting; attempt++)
        {
            try
            {
                await AttachAsync(endPoint!, cancellationToken).ConfigureAwait(false);
            }
            catch (ZeroTierException exception) when (exception.Error == ZeroTierError.AddressInUse)
            {
                if (target.Port != 0 || attempt == PortAttempts)
                {
                    throw new AddressInUseException(exception.Message, exception);
                }

                // Taken by another user of the node, such as another host: try another port.
                registry.Remove(this);
                Port = registry.Add(this);
                endPoint = new ZeroTierEndPoint(endPoint!.Network, endPoint.Address, Port);
            }
            catch (ZeroTierException exception) when (exception.Error is not (ZeroTierError.NotPermitted or ZeroTierError.NotSupported))
            {
                reason = exception.Message;
                break;
            }
        }

        EndPoint = endPoint is not null
            ? new IPEndPoint(endPoint.Address ?? ListenTarget.Preferred(network!), Port)
            : target.Address is not null ? new IPEndPoint(target.Address, Port) : new NameEndPoint(node.Id, target.Network, Port);
        if (State == ListenerState.Waiting)
        {
            Wait(reason);
        }
    }

    /// <inheritdoc />
    /// <remarks>Throws only when the caller's own token is cancelled. Null always means unbound (rules 5.3, 5.4).</remarks>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        using var linked = cancellationToken.CanBeCanceled
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _unbound.Token)
            : null;
        var stop = linked?.Token ?? _unbound.Token;
        while (!_unbound.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (Attached is not { } engine)
                {
                    await TryReattachAsync(stop).ConfigureAwait(false);
                }
                else if (await engine.AcceptAsync(stop).ConfigureAwait(false) is not { } connection)
                {
                    await DetachAsync(engine, "the node or the network went down.").ConfigureAwait(false);
                }
                else if (Wrap(connection) is { } context)
                {
                    _accepting.Reset();
                    return context;
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Unbound, or cancelled by the caller: the loop checks both.
            }
            catch (Exception exception)
            {
                TransportLog.AcceptFailed(logger, Describe(), exception);
                await RecoverAsync(stop).ConfigureAwait(false);
            }
        }

        return null;
    }

    /// <inheritdoc />
    /// <remarks>Releases the pending accept and keeps connections. Idempotent, never throws (rule 5.5).</remarks>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        IZeroTierListener? engine;
        lock (_gate)
        {
            engine = _engine;
            _engine = null;
            _state = ListenerState.Unbound;
        }

        try
        {
            await _unbound.CancelAsync().ConfigureAwait(false);
        }
        catch (AggregateException exception)
        {
            NodeLog.CloseFailed(logger, exception);
        }

        registry.Remove(this);
        await CloseAsync(engine).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => UnbindAsync(CancellationToken.None);

    private IZeroTierListener? Attached
    {
        get
        {
            lock (_gate)
            {
                return _engine;
            }
        }
    }

    private async Task TryReattachAsync(CancellationToken stop)
    {
        // Take the signal before reading the state, so that no change in between is missed.
        var changed = node.Watch.Changed.Next;
        if (target.TryResolve(FindNetwork(), Port, out var endPoint, out string reason))
        {
            try
            {
                await AttachAsync(endPoint!, stop).ConfigureAwait(false);
                return;
            }
            catch (ZeroTierException exception)
            {
                reason = exception.Message;
            }
        }

        Wait(reason);
        using var delay = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(changed, Task.Delay(_attaching.Next(), timeProvider, delay.Token)).ConfigureAwait(false);

        // Releases the timer and its token registration.
        await delay.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>After an unexpected error: closes the engine's listener and retries with back-off.</summary>
    private async Task RecoverAsync(CancellationToken stop)
    {
        if (Attached is { } engine)
        {
            await DetachAsync(engine, "the engine failed to accept.").ConfigureAwait(false);
        }

        await Task.Delay(_accepting.Next(), timeProvider, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task AttachAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken)
    {
        var engine = await node.ListenAsync(endPoint, resources.Server, cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            if (_state != ListenerState.Unbound)
            {
                _engine = engine;
                _state = ListenerState.Attached;
                engine = null;
            }
        }

        if (engine is not null)
        {
            // Unbound while the engine began to listen.
            await CloseAsync(engine).ConfigureAwait(false);
            return;
        }

        _attaching.Reset();
        Volatile.Write(ref _reason, "");
        TransportLog.ListenerAttached(logger, endPoint.ToString());
    }

    private async Task DetachAsync(IZeroTierListener engine, string reason)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(_engine, engine))
            {
                return;
            }

            _engine = null;
            _state = ListenerState.Waiting;
        }

        Wait(reason);
        await CloseAsync(engine).ConfigureAwait(false);
    }

    private async Task CloseAsync(IZeroTierListener? engine)
    {
        if (engine is null)
        {
            return;
        }

        try
        {
            await engine.DisposeAsync().AsTask().WaitAsync(CloseLimit, timeProvider).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            NodeLog.CloseFailed(logger, exception);
        }
    }

    /// <summary>Null when this connection is refused or could not be set up; the listener goes on (rule 6.13).</summary>
    private TransportConnection? Wrap(ZeroTierConnection connection)
    {
        var begin = timeProvider.GetUtcNow();
        try
        {
            if (!access.Admits(connection, Port))
            {
                Discard(connection, "The access list does not name the caller.");
                Tracing.Accept(connection, begin, Port, error: "access_denied");
                return null;
            }

            var context = new TransportConnection(connection, node, resources.Server.MemoryPool, resources.ServerLogger)
            {
                Traffic = Traffic,
            };
            context.Start();
            Traffic.Opened(context);
            Tracing.Accept(connection, begin, Port, error: null);
            return context;
        }
        catch (Exception exception)
        {
            TransportLog.AcceptFailed(logger, Describe(), exception);
            registry.CountFailedConnection();
            Discard(connection, "The connection could not be set up.");
            Tracing.Accept(connection, begin, Port, exception.GetType().FullName);
            return null;
        }
    }

    private void Discard(ZeroTierConnection connection, string reason)
    {
        try
        {
            connection.Abort(new ZeroTierException(ZeroTierError.ConnectionAborted, reason));
            _ = connection.DisposeAsync().AsTask();
        }
        catch (Exception exception)
        {
            NodeLog.CloseFailed(logger, exception);
        }
    }

    private void Wait(string reason)
    {
        // Logged once per reason: the loop runs this at every event of the node.
        if (Interlocked.Exchange(ref _reason, reason) != reason)
        {
            TransportLog.ListenerWaiting(logger, Describe(), reason);
        }
    }

    private ZeroTierNetwork? FindNetwork() => node.Networks.FirstOrDefault(network => network.Id == target.Network);

    private string Describe() => EndPoint.ToString() ?? "";
}
