using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>Adapts an engine's connection to Kestrel's connection abstraction. Section 6 of docs/transport-contract.md.</summary>
internal sealed class TransportConnection :
    ConnectionContext, IDuplexPipe, IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IMemoryPoolFeature,
    IConnectionLifetimeFeature, IZeroTierPeerFeature
{
    private const string Graceful = "The ZeroTier transport's send loop completed gracefully.";

    private readonly ZeroTierConnection _connection;
    private readonly ZeroTierNode _node;
    private readonly TransportReader _input;
    private readonly TransportWriter _output;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closed = new();

    // Held while the end of receiving is logged, so that other threads log its consequences after it.
    private readonly Lock _logGate = new();
    private readonly TaskCompletionSource _closedCallbacksRan = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConnectionAbortedException? _shutdownReason;
    private IDictionary<object, object?>? _items;
    private int _closedFired;
    private bool _errorLogged;
    private bool _finLogged;
    private int _disposed;

    /// <summary>Wraps a connection. Starts nothing (rule 6.13).</summary>
    public TransportConnection(ZeroTierConnection connection, ZeroTierNode node, MemoryPool<byte> memoryPool, ILogger logger)
    {
        _connection = connection;
        _node = node;
        _logger = logger;
        _input = new TransportReader(connection.Input, LogReceiveEnded);
        _output = new TransportWriter(connection.Output, _closedCallbacksRan.Task, OnOutputFailed);
        MemoryPool = memoryPool;
        Transport = this;
        ConnectionId = ConnectionIds.Of(connection);
        ConnectionClosed = _closed.Token;
        LocalEndPoint = connection.LocalEndPoint;
        RemoteEndPoint = connection.RemoteEndPoint;

        // The features of the sockets transport, without the socket feature, plus the peer (rule 6.1).
        Features = new FeatureCollection(initialCapacity: 8);
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IMemoryPoolFeature>(this);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IZeroTierPeerFeature>(this);
    }

    /// <inheritdoc cref="IMemoryPoolFeature.MemoryPool" />
    public MemoryPool<byte> MemoryPool { get; }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    /// <summary>The pipe that the application uses; TLS replaces it. The original ends are kept in fields (rule 6.3).</summary>
    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    PipeReader IDuplexPipe.Input => _input;

    PipeWriter IDuplexPipe.Output => _output;

    NodeId? IZeroTierPeerFeature.Node => _connection.RemoteNode;

    NetworkId IZeroTierPeerFeature.Network => _connection.Network;

    ZeroTierMembership? IZeroTierPeerFeature.Membership =>
        _connection.RemoteNode is { } member ? _node.GetMembership(_connection.Network, member) : null;

    // Neither direct nor relayed: nothing has been heard from the peer recently.
    bool? IZeroTierPeerFeature.IsDirect => _connection.GetPeer() switch
    {
        { IsDirect: true } => true,
        { IsRelayed: true } => false,
        _ => null,
    };

    TimeSpan? IZeroTierPeerFeature.Latency => _connection.GetPeer()?.Latency;

    /// <summary>The counters of its endpoint; null for an outgoing connection.</summary>
    internal EndpointTraffic? Traffic { get; init; }

    /// <summary>Bytes that the application has read. Any thread.</summary>
    internal long BytesReceived => _input.Consumed;

    /// <summary>Bytes that the application has written. Any thread.</summary>
    internal long BytesSent => _output.Written;

    /// <summary>How long the callbacks of <see cref="ConnectionClosed"/> are delayed until the application waits in a flush.</summary>
    internal TimeSpan ClosingGrace { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Kestrel's own switch: with it, even an abort with a reason ends with FIN (rule 6.6).</summary>
    private static bool FinOnError =>
        AppContext.TryGetSwitch("Microsoft.AspNetCore.Server.Kestrel.FinOnError", out bool enabled) && enabled;

    /// <summary>Watches both directions from now on.</summary>
    public void Start()
    {
        _ = WatchReceivingAsync();
        _ = WatchSendingAsync();
    }

    void IConnectionLifetimeFeature.Abort() =>
        Abort(new ConnectionAbortedException("The connection was aborted by the application via IConnectionLifetimeFeature.Abort()."));

    /// <summary>
    /// Ends the connection: RST with a reason, FIN without one, which is what Kestrel passes when the peer closed first (rule 6.6).
    /// </summary>
    public override void Abort(ConnectionAbortedException? abortReason)
    {
        var reason = abortReason ?? new ConnectionAbortedException(Graceful);
        if (Interlocked.CompareExchange(ref _shutdownReason, reason, null) is not null)
        {
            return;
        }

        try
        {
            if (abortReason is not null && !FinOnError)
            {
                TransportLog.ConnectionWriteRst(_logger, ConnectionId, reason.Message);
                _connection.Abort(new ZeroTierException(ZeroTierError.ConnectionAborted, reason.Message, reason));
            }
            else
            {
                TransportLog.ConnectionWriteFin(_logger, ConnectionId, reason.Message);
                _connection.CloseOutput();
            }
        }
        catch (Exception exception)
        {
            // Kestrel calls this in a loop over connections; an exception here would leave the others open.
            TransportLog.ConnectionError(_logger, ConnectionId, exception);
        }

        EndReceiving(reason);
    }

    /// <summary>
    /// Releases the connection: the engine sends what was written, and FIN, in the background. Never throws, never waits for the peer (rule
    /// 6.11).
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _closedCallbacksRan.Task.ConfigureAwait(false);
            return;
        }

        // Set before the engine's connection is disposed, which ends receiving just like a FIN: that must not be logged as one.
        var reason = new ConnectionAbortedException(Graceful);
        if (Interlocked.CompareExchange(ref _shutdownReason, reason, null) is null)
        {
            TransportLog.ConnectionWriteFin(_logger, ConnectionId, reason.Message);
        }

        try
        {
            // The original pair, even if Transport was replaced.
            await _input.CompleteAsync().ConfigureAwait(false);
            await _output.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            TransportLog.ConnectionError(_logger, ConnectionId, exception);
        }

        try
        {
            await _connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            TransportLog.ConnectionError(_logger, ConnectionId, exception);
        }

        Traffic?.Ended(this);
        FireConnectionClosed();
        await _closedCallbacksRan.Task.ConfigureAwait(false);
        _closed.Dispose();
    }

    private async Task WatchReceivingAsync()
    {
        try
        {
            LogReceiveEnded(await _connection.ReceiveEnded.ConfigureAwait(false));
        }
        finally
        {
            // In a finally block because loggers may throw. Before the application sees the end, because Kestrel then aborts the
            // connection.
            _input.EndByPeer();
            FireConnectionClosed();
        }
    }

    private async Task WatchSendingAsync()
    {
        if (await _connection.SendEnded.ConfigureAwait(false) is { } error)
        {
            try
            {
                LogError(error);
            }
            finally
            {
                // Both directions are lost, but the reader may notice later: it must report this error and not the abort that Kestrel makes
                // in the callbacks.
                _input.EndByPeer();
                FireConnectionClosed();
            }
        }
        else
        {
            // FIN is out after the last byte: for Kestrel the connection ends here, without waiting for the peer (rule 6.10).
            Abort(null);
        }
    }

    /// <summary>
    /// The application ended its output with an error: what it has written is incomplete, so the connection is reset (rule 6.7).
    /// </summary>
    private void OnOutputFailed(Exception error)
    {
        lock (_logGate)
        {
            if (Volatile.Read(ref _shutdownReason) is null && !_errorLogged)
            {
                _errorLogged = true;
                TransportLog.ConnectionError(_logger, ConnectionId, error);
            }
        }

        Abort(new ConnectionAbortedException(error.Message, error));
    }

    /// <summary>Called by the application's read and by the engine's completion, in either order; logs once.</summary>
    private void LogReceiveEnded(ZeroTierException? error)
    {
        if (error is not null)
        {
            LogError(error);
            return;
        }

        lock (_logGate)
        {
            if (Volatile.Read(ref _shutdownReason) is null && !_finLogged)
            {
                _finLogged = true;
                TransportLog.ConnectionReadFin(_logger, ConnectionId);
            }
        }
    }

    private void LogError(ZeroTierException error)
    {
        lock (_logGate)
        {
            // Log once: both directions end with the same error, and our own abort was already logged with its reason. Exception: a fault
            // of the application (misused pipes, memory pool) is logged even after the connection has ended.
            bool isFault = error is { Error: ZeroTierError.ConnectionAborted, InnerException: { } cause }
                && cause is not ConnectionAbortedException;
            if (_errorLogged || (Volatile.Read(ref _shutdownReason) is not null && !isFault))
            {
                return;
            }

            _errorLogged = true;
            if (error.Error == ZeroTierError.ConnectionReset)
            {
                TransportLog.ConnectionReset(_logger, ConnectionId);
            }
            else
            {
                TransportLog.ConnectionError(_logger, ConnectionId, error);
            }
        }
    }

    private void EndReceiving(ConnectionAbortedException reason)
    {
        _input.End(reason);
        FireConnectionClosed();
    }

    /// <summary>Callbacks are application code, so they never run on an engine thread (rule 6.8).</summary>
    private void FireConnectionClosed()
    {
        if (Interlocked.Exchange(ref _closedFired, 1) == 0)
        {
            _ = RunClosedCallbacksAsync();
        }
    }

    // In these callbacks Kestrel queues the abort of the request and stops forwarding flushes. A handler that writes until it is aborted
    // would then spin until the abort has run; as many such handlers as there are pool threads would block the pool for seconds. So the
    // callbacks run while the handler waits in a flush (see TransportWriter).
    private async Task RunClosedCallbacksAsync()
    {
        await _output.BeginClose().WaitAsync(ClosingGrace, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.RunClosedCallbacks(), this, preferLocal: false);
    }

    private void RunClosedCallbacks()
    {
        try
        {
            // The source is not disposed yet: DisposeAsync disposes it only after _closedCallbacksRan, which is set below.
            _closed.Cancel();
        }
        catch (Exception exception)
        {
            TransportLog.ConnectionError(_logger, ConnectionId, exception);
        }

        _closedCallbacksRan.TrySetResult();
    }
}
