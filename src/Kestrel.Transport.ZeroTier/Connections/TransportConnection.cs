using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>One connection as Kestrel wants it, on top of the engine's. Section 6 of the transport contract.</summary>
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

    // Held while the end of receiving is logged, so that consequences of it, logged by other threads, come after it.
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

        // The set of the sockets transport without its socket, and the peer (rule 6.1).
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

    // A peer that is neither direct nor relayed is silent.
    bool? IZeroTierPeerFeature.IsDirect => _connection.GetPeer() switch
    {
        { IsDirect: true } => true,
        { IsRelayed: true } => false,
        _ => null,
    };

    TimeSpan? IZeroTierPeerFeature.Latency => _connection.GetPeer()?.Latency;

    /// <summary>Where it counts; null for an outgoing one.</summary>
    internal EndpointTraffic? Traffic { get; init; }

    /// <summary>Bytes that the application has read. Any thread.</summary>
    internal long BytesReceived => _input.Consumed;

    /// <summary>Bytes that the application has written. Any thread.</summary>
    internal long BytesSent => _output.Written;

    /// <summary>How long callbacks of <see cref="ConnectionClosed"/> wait for an application that is not writing.</summary>
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
    /// Gives the connection up: what was written, and FIN, go out in the background. Never throws, never waits for the peer (rule 6.11).
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _closedCallbacksRan.Task.ConfigureAwait(false);
            return;
        }

        // First, because disposing of the engine's connection ends receiving in the same way as a FIN.
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
            // In a finally block, as loggers may throw; and before the application sees the end, upon which Kestrel aborts.
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
                // Both directions are lost, and the reader may see it later: it must report this error and not the abort that follows the
                // callbacks.
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
            // Both directions end with the same error, and an abort of ours was logged with its reason. A fault of the application may show
            // up after the end.
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

    /// <summary>Callbacks are application code and never run on a thread of the engine (rule 6.8).</summary>
    private void FireConnectionClosed()
    {
        if (Interlocked.Exchange(ref _closedFired, 1) == 0)
        {
            _ = RunClosedCallbacksAsync();
        }
    }

    // In these callbacks Kestrel queues the abort of the request, and no longer forwards flushes: a handler that writes until its abort
    // spins until that has run. As many such handlers as the pool has threads would stop it for seconds. So the callbacks run while the
    // handler waits in a flush (see TransportWriter).
    private async Task RunClosedCallbacksAsync()
    {
        await _output.BeginClose().WaitAsync(ClosingGrace, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.RunClosedCallbacks(), this, preferLocal: false);
    }

    private void RunClosedCallbacks()
    {
        try
        {
            // Not disposed yet: only DisposeAsync disposes of the source, after the line below this block.
            _closed.Cancel();
        }
        catch (Exception exception)
        {
            TransportLog.ConnectionError(_logger, ConnectionId, exception);
        }

        _closedCallbacksRan.TrySetResult();
    }
}
