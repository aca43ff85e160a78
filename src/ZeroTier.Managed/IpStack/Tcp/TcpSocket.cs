using System.Buffers;
using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>A connection with its input and output pipe. Thread-safe, except for the pipes.</summary>
/// <remarks>
/// The connection's state changes under <see cref="_gate"/>; the effects on pipes, network and observers follow in
/// <see cref="RunPending"/>, without the lock. Input, output and transmission each have at most one active thread. A second caller sets a
/// run-again flag and returns; the active thread loops until no flag is set. So it is safe that a segment arrives while the same thread
/// sends or runs a continuation of the application.
/// </remarks>
internal sealed partial class TcpSocket : IDisposable, IAsyncDisposable
{
    /// <summary>For the use of the layer above. A field, so that it can be the target of Interlocked.CompareExchange.</summary>
    public object? Owner;

    /// <summary>The deadline for which <see cref="DeadlineQueue"/> has queued the socket. Guarded by the queue's lock.</summary>
    internal long ScheduledAt = TcpConnection.Never;
    internal int HeapIndex = -1;

    /// <summary>The neighbours in <see cref="StationTable"/>. Guarded by the table's lock.</summary>
    internal TcpSocket? OlderOfStation;
    internal TcpSocket? NewerOfStation;
    internal bool IsInStation;

    private readonly Lock _gate = new();
    private readonly TcpLayer _layer;
    private readonly TcpSocketOptions _options;
    private readonly TcpConnection _connection;
    private readonly TcpListener? _listener;
    private readonly TaskCompletionSource<TcpSocket>? _connected;
    private readonly TaskCompletionSource<TcpException?> _receiveEnded = new();
    private readonly TaskCompletionSource<TcpException?> _sendEnded = new();
    private MacAddress? _remoteMac;
    private bool _established;
    private bool _ended;
    private bool _disposed;
    private bool _awaitsPeer;
    private bool _isWitness;
    private uint _movedBefore;
    private int _isPending;

    internal TcpSocket(
        TcpLayer layer,
        in ConnectionKey key,
        TcpConnection connection,
        TcpSocketOptions options,
        TcpListener? listener,
        MacAddress? remoteMac)
    {
        _layer = layer;
        Key = key;
        _connection = connection;
        _options = options;
        _listener = listener;
        _remoteMac = remoteMac;
        _connected = listener is null ? new TaskCompletionSource<TcpSocket>() : null;
        _onFlushed = OnFlushed;
        _onRead = OnRead;
    }

    public IpAddress LocalAddress => Key.Local;

    public IpAddress RemoteAddress => Key.Remote;

    public int LocalPort => Key.LocalPort;

    public int RemotePort => Key.RemotePort;

    /// <summary>
    /// The link address that sent the SYN or SYN-ACK; the default value before one came. Segments from others are dropped.
    /// </summary>
    public MacAddress RemoteMac => _remoteMac ?? default;

    /// <summary>Received bytes. The pipe is completed after the peer's FIN, or with the connection's error (see
    /// <see cref="TcpSocketOptions.TranslateError"/>).</summary>
    public PipeReader Input => _input!.Reader;

    /// <summary>
    /// Bytes to send. Completing it sends FIN after the last byte, completing it with an exception resets the connection.
    /// </summary>
    public PipeWriter Output => _output!.Writer;

    /// <summary>
    /// Completes when nothing more will be received: with null after FIN or a local close, else with the error. Never faults.
    /// </summary>
    public Task<TcpException?> ReceiveEnded => _receiveEnded.Task;

    /// <summary>
    /// Completes when nothing more will be read from <see cref="Output"/>: with null when FIN was queued, else with the error. Never
    /// faults.
    /// </summary>
    public Task<TcpException?> SendEnded => _sendEnded.Task;

    /// <summary>The smoothed round trip time; zero before the first measurement.</summary>
    public TimeSpan RoundTripTime
    {
        get
        {
            lock (_gate)
            {
                return new TimeSpan(_connection.SmoothedRoundTrip);
            }
        }
    }

    internal ConnectionKey Key { get; }

    internal TcpState State
    {
        get
        {
            lock (_gate)
            {
                return _connection.State;
            }
        }
    }

    /// <summary>Completes with the outcome of the handshake; only for connections that this end opened.</summary>
    internal Task<TcpSocket> Connected => _connected!.Task;

    /// <summary>The handshake is complete, and the connection has not ended.</summary>
    internal bool IsEstablished => _established && !_ended;

    /// <summary>The socket is to run at the end of a batch. False when it is already in a <see cref="ReceivedBatch"/>.</summary>
    internal bool TryMarkPending() => Volatile.Read(ref _isPending) == 0 && Interlocked.Exchange(ref _isPending, 1) == 0;

    /// <summary>
    /// The socket is about to run. Before it takes its lock, so that it then sees what was received by a thread that found it marked.
    /// </summary>
    internal void ClearPending() => Interlocked.Exchange(ref _isPending, 0);

    /// <summary>The socket's entry in the listener's list while it is half-open. Guarded by the listener's lock.</summary>
    internal LinkedListNode<TcpSocket>? HalfOpenNode { get; set; }

    /// <summary>Everything that the application wrote is acknowledged, or the connection has ended.</summary>
    internal bool IsDrained
    {
        get
        {
            lock (_gate)
            {
                // A read that has completed, but whose continuation has not run yet on its scheduler, is not idle.
                bool idle = _outputWaits && !_read.IsCompleted && !_disposed && !_outputClosing;
                return !_connection.IsEstablished || _connection.IsSendQueueEmpty && !_outputBusy && (_outputDone || idle);
            }
        }
    }

    /// <summary>
    /// The bytes that the connection holds if it has moved less than <see cref="BufferBudget.Minimum"/> bytes since the last call, else 0.
    /// </summary>
    internal long HeldIdle()
    {
        lock (_gate)
        {
            uint moved = _connection.Moved - _movedBefore;
            _movedBefore += moved;
            return !_established || _ended || moved >= BufferBudget.Minimum
                ? 0
                : _connection.Held + (_connection.Unread?.Held ?? 0) + (_unsent?.Held ?? 0);
        }
    }

    /// <summary>Resets the connection (RST). Idempotent; the first reason wins.</summary>
    public void Abort(TcpException? reason = null)
    {
        lock (_gate)
        {
            _connection.Abort(reason ?? new TcpException(TcpError.ConnectionAborted, "This end aborted the connection."));
        }

        RunPendingNow();
    }

    /// <summary>
    /// Closes both directions: queued bytes and FIN are still delivered in the background. Never throws, never waits. Idempotent.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _connection.Abandon(_layer.Now);
        }

        // The reader of the output pipe sees the completion and queues FIN; RunPending completes the input.
        if (_output is not null)
        {
            End(_output.Writer);
            End(_input!.Reader);
        }

        RunPendingNow();
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Processes a received segment. Effects on pipes and network wait for <see cref="RunPending"/>.</summary>
    internal void OnSegment(in TcpSegment segment, ReadOnlySpan<byte> payload, MacAddress sourceMac, long now)
    {
        lock (_gate)
        {
            if (_remoteMac is { } mac && mac != sourceMac)
            {
                _layer.Statistics.Add(TcpCounter.WrongSender);
                return;
            }

            // With a full accept queue the segment is dropped and the connection stays half-open: the peer's next segment, or its answer to
            // our next SYN-ACK, tries again.
            bool opening = _connection.State is TcpState.SynSent or TcpState.SynReceived;
            bool completes = opening && _listener is not null && segment.Has(TcpFlags.Ack);
            if (completes && !_listener!.TryReserve())
            {
                _layer.Statistics.Add(TcpCounter.SynDropped);
                return;
            }

            PipeWriter? input = _inputBusy || _inputDone ? null : _input?.Writer;
            uint before = _connection.Delivered;
            try
            {
                _connection.OnSegment(segment, payload, input, now);
            }
            catch (Exception e)
            {
                // The application's memory pool may throw any exception, even OutOfMemoryException; it ends this connection only.
                _connection.Abort(new TcpException(TcpError.ConnectionAborted, "Received data could not be stored.", e));
            }

            if (completes && !_connection.IsEstablished)
            {
                _listener!.Unreserve();
            }

            _unflushed |= input is not null && before != _connection.Delivered;
            if (_remoteMac is null && _connection.State is not (TcpState.SynSent or TcpState.Closed))
            {
                _remoteMac = sourceMac;
                _layer.Stations.Add(this);
            }
        }
    }

    /// <summary>The link has heard from the peer after a silence: retransmits immediately if the connection waits for it.</summary>
    internal void OnPeerHeard(long now)
    {
        lock (_gate)
        {
            _connection.OnPeerHeard(now);
        }
    }

    /// <summary>Sends a probe, which the peer answers with RST if it no longer has the connection.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isWitness">The connection stands for all with its peer: a reset in answer concerns the others as well.</param>
    internal void Probe(long now, bool isWitness)
    {
        lock (_gate)
        {
            _isWitness = isWitness;
            _connection.Probe(now, evenIfHeard: isWitness);
        }
    }

    internal void OnDeadline(long now)
    {
        bool doubt;
        lock (_gate)
        {
            _connection.OnTimer(now);
            doubt = _connection.TakeDoubt();
        }

        if (doubt)
        {
            _layer.Output.Doubt(Key.Remote);
        }
    }

    internal void OnPathNarrowed(long now)
    {
        int segmentSize = PathSegmentSize;
        lock (_gate)
        {
            _connection.OnPathNarrowed(segmentSize, now);
        }
    }

    /// <summary>
    /// Carries out the effects of the connection's new state: pipes, segments, completions, the next deadline. Never throws.
    /// </summary>
    internal void RunPending(in TcpLayer.TransmissionBatch batch)
    {
        try
        {
            AnnounceEstablished();
            DrainInput();
            DrainOutput(batch);
            Transmit(batch);
            AnnounceEnd(batch.Now);
        }
        catch (Exception e)
        {
            FailUnexpectedly(e, batch);
        }

        long deadline;
        lock (_gate)
        {
            deadline = _connection.NextDeadline;
            if (_awaitsPeer != _connection.AwaitsPeer)
            {
                _awaitsPeer = !_awaitsPeer;
                _layer.NoteAwaiting(this, _awaitsPeer);
            }
        }

        _layer.Deadlines.Schedule(this, deadline);
    }
}
