using System.Collections.Concurrent;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>TCP for one set of local addresses: demultiplexing, listeners, ports and timers. Thread-safe.</summary>
internal sealed partial class TcpLayer : IDisposable
{
    // Most answers to segments without a connection (resets, SYN cookies) that are queued until the end of the batch.
    private const int MaxAnswers = 1024;

    private readonly TimeProvider _time;
    private readonly long _origin;
    private readonly ConcurrentDictionary<ConnectionKey, TcpSocket> _sockets = new();
    private readonly ConcurrentDictionary<(IpAddress? Address, int Port), TcpListener> _listeners = new();
    private readonly TcpEnvironment _environment;
    private readonly TimeWaitTable _timeWait;
    private readonly IsnGenerator _isn;
    private readonly SynCookies _cookies;
    private readonly PortAllocator _ports;

    // Sockets with segments in the present batch. Leaf lock.
    private readonly Lock _batchGate = new();
    private readonly Stack<List<TcpSocket>> _spareLists = new();
    private List<TcpSocket> _pending = [];
    private List<Answer>? _answers;
    private int _halfOpen;
    private int _count;
    private int _established;
    private long _batches;
    private volatile bool _disposed;

    public TcpLayer(IIpOutput output, TimeProvider time, RandomSource random, TcpLayerOptions? options = null)
    {
        Output = output;
        Options = options ?? TcpLayerOptions.Default;
        _time = time;
        _origin = time.GetTimestamp();
        Budget = Options.Budget ?? new BufferBudget(time, long.MaxValue);
        Chunks = new ChunkPool(Options.MaxOutOfOrderBytes, Budget);
        _environment = new TcpEnvironment(Options, Chunks, Budget, Statistics);
        _timeWait = new TimeWaitTable(Options.TimeWait.Ticks, Options.MaxTimeWait);
        _isn = new IsnGenerator(random);
        _ports = new PortAllocator(random);
        _cookies = new SynCookies(random);
        Deadlines = new DeadlineQueue(time, () => Now, OnDeadlines);
        Budget.Join(this);
    }

    public TcpStatistics Statistics { get; } = new();

    /// <summary>Connections now open: established or closing, not half-open, not in TIME-WAIT.</summary>
    public int ConnectionCount => Volatile.Read(ref _established);

    /// <summary>Connections in all states but TIME-WAIT.</summary>
    public int SocketCount => Volatile.Read(ref _count);

    /// <summary>Connections in TIME-WAIT.</summary>
    public int TimeWaitCount => _timeWait.Count;

    /// <summary>Handshakes of all listeners that are not complete.</summary>
    public int HalfOpenCount => Volatile.Read(ref _halfOpen);

    internal IIpOutput Output { get; }

    internal TcpLayerOptions Options { get; }

    internal BufferBudget Budget { get; }

    internal ChunkPool Chunks { get; }

    internal DeadlineQueue Deadlines { get; }

    internal StationTable Stations { get; } = new();

    /// <summary>The layer is in the node's <see cref="BatchQueue"/>. Guarded by that queue's lock.</summary>
    internal bool IsQueued { get; set; }

    /// <summary>Ticks of 100 ns since the layer began.</summary>
    internal long Now => _time.GetElapsedTime(_origin).Ticks;

    /// <summary>Processes a received segment. Deliveries to applications and transmissions wait for <see cref="EndOfBatch"/>.</summary>
    public void OnSegment(in IpAddress source, in IpAddress destination, MacAddress sourceMac, ReadOnlySpan<byte> segment)
    {
        Statistics.Add(TcpCounter.SegmentsReceived);
        if (_disposed || source.IsMulticast || source.IsUnspecified || destination.IsMulticast
            || !TcpSegment.TryParse(segment, out TcpSegment header))
        {
            Statistics.Add(TcpCounter.MalformedSegments);
            return;
        }

        if (InternetChecksum.Transport(source, destination, IpProtocol.Tcp, segment) != 0)
        {
            Statistics.Add(TcpCounter.ChecksumErrors);
            return;
        }

        var key = new ConnectionKey(destination, source, header.DestinationPort, header.SourcePort);
        long now = Now;
        if (!_sockets.TryGetValue(key, out TcpSocket? socket))
        {
            OnUnknown(key, header, segment[header.HeaderBytes..], sourceMac, now);
            return;
        }

        socket.OnSegment(header, segment[header.HeaderBytes..], sourceMac, now);
        MarkPending(socket);
    }

    /// <summary>
    /// Called after each batch of received packets: sends resets, acknowledgements and data for the whole batch, and flushes input pipes.
    /// </summary>
    public void EndOfBatch()
    {
        List<TcpSocket> pending;
        List<Answer>? answers;
        lock (_batchGate)
        {
            if (_pending.Count == 0 && _answers is null)
            {
                return;
            }

            pending = _pending;
            answers = _answers;
            _pending = _spareLists.TryPop(out List<TcpSocket>? spare) ? spare : [];
            _answers = null;
            foreach (TcpSocket socket in pending)
            {
                socket.IsPending = false;
            }
        }

        TransmissionBatch batch = BeginBatch();
        try
        {
            // Not "foreach (… in answers ?? [])", which would allocate an empty list for every batch.
            for (int i = 0; i < answers?.Count; i++)
            {
                Answer answer = answers[i];
                answer.Segment.Write(
                    answer.Local, answer.Remote, batch.Packets.Reserve(answer.Local, answer.Remote, IpProtocol.Tcp, answer.Segment.Length));
                batch.Packets.Commit();
                Statistics.Add(TcpCounter.SegmentsSent);
            }

            foreach (TcpSocket socket in pending)
            {
                socket.RunPending(batch);
            }
        }
        finally
        {
            batch.Packets.Send();
            foreach (TcpSocket socket in pending)
            {
                socket.EndBatch(batch);
            }
        }

        OnProgress();
        pending.Clear();
        lock (_batchGate)
        {
            _spareLists.Push(pending);
        }
    }

    /// <summary>Binds an address (null: every address of both families) and a port (0: a free one).</summary>
    /// <exception cref="TcpException">The port is taken.</exception>
    public TcpListener Listen(IpAddress? address, int port, TcpListenOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        ObjectDisposedException.ThrowIf(_disposed, this);
        int bound = port != 0 ? port : _ports.ForListener(candidate => !IsListening(candidate));
        var listener = new TcpListener(this, address, bound, options ?? TcpListenOptions.Default);
        if (bound == 0 || !_listeners.TryAdd((address, bound), listener))
        {
            throw new TcpException(
                TcpError.AddressInUse, bound == 0 ? "Every dynamic port is taken." : $"Port {bound} is taken by another listener.");
        }

        if (_disposed)
        {
            // Dispose may have run before the listener was added.
            listener.Dispose();
            ObjectDisposedException.ThrowIf(_disposed, this);
        }

        return listener;
    }

    /// <summary>Opens a connection. Cancelling the token aborts the attempt.</summary>
    /// <exception cref="TcpException">Refused, timed out, or no port is free.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the attempt is over.</exception>
    public async ValueTask<TcpSocket> ConnectAsync(
        IpAddress local, IpAddress remote, int port, TcpSocketOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        TcpSocket socket = Open(local, remote, (ushort)port, options ?? TcpSocketOptions.Default);
        socket.RunPendingNow();
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TcpSocket)state!).CancelConnect(token), socket);
        return await socket.Connected.ConfigureAwait(false);
    }

    /// <summary>Resets every connection on a local address that is no longer ours. Listeners stay.</summary>
    public void RemoveAddress(IpAddress address)
    {
        foreach (KeyValuePair<ConnectionKey, TcpSocket> entry in _sockets)
        {
            if (entry.Key.Local == address)
            {
                entry.Value.Abort(new TcpException(TcpError.AddressNotAvailable, $"The address {address} is no longer this node's."));
            }
        }
    }

    /// <summary>Resets every connection with a station, or all of them. Listeners stay.</summary>
    /// <param name="station">The other end; null for any.</param>
    /// <param name="reason">The error that users of the connections get.</param>
    public void Abort(MacAddress? station, string reason)
    {
        foreach (TcpSocket socket in station is { } one ? Stations.Of(one) : _sockets.Values)
        {
            socket.Abort(new TcpException(TcpError.ConnectionAborted, reason));
        }
    }

    /// <summary>Resets all connections, closes all listeners, returns buffers and disposes of the timer.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        foreach (TcpListener listener in _listeners.Values)
        {
            listener.Dispose();
        }

        foreach (TcpSocket socket in _sockets.Values)
        {
            socket.Abort(new TcpException(TcpError.ConnectionAborted, "The stack was stopped."));
        }

        Budget.Leave(this);
        Deadlines.Dispose();
        _timeWait.Clear();
        OnProgress();
    }

    /// <summary>
    /// Begins a transmission batch for one or more sockets. The caller sends its packets and then calls <see cref="TcpSocket.EndBatch"/> on
    /// each socket.
    /// </summary>
    internal TransmissionBatch BeginBatch() => new(Output.BeginBatch(), Interlocked.Increment(ref _batches), Now);

    internal void AddTimeWait(in ConnectionKey key, in TimeWaitEntry entry, long now) => _timeWait.Add(key, entry, now);

    internal void Remove(TcpSocket socket)
    {
        if (_sockets.TryRemove(new KeyValuePair<ConnectionKey, TcpSocket>(socket.Key, socket)))
        {
            Interlocked.Decrement(ref _count);
        }

        Stations.Remove(socket);
        Deadlines.Remove(socket);
    }

    internal void Remove(TcpListener listener) =>
        _listeners.TryRemove(new KeyValuePair<(IpAddress?, int), TcpListener>((listener.Address, listener.Port), listener));

    /// <summary>A handshake is complete (1), or a connection that was complete has ended (-1).</summary>
    internal void CountEstablished(int change)
    {
        Interlocked.Add(ref _established, change);
        Budget.Add(change * BufferBudget.ConnectionCost);
    }

    /// <summary>
    /// Adds the connections that hold more than <see cref="BufferBudget.Minimum"/> and have made little progress since the last call, with
    /// the bytes that they hold.
    /// </summary>
    internal void CollectIdle(List<(TcpSocket Socket, long Bytes)> idle)
    {
        foreach (KeyValuePair<ConnectionKey, TcpSocket> entry in _sockets)
        {
            if (entry.Value.HeldIdle() is var bytes and > BufferBudget.Minimum)
            {
                idle.Add((entry.Value, bytes));
            }
        }
    }

    internal void OnHalfOpenAdded() => Interlocked.Increment(ref _halfOpen);

    internal void OnHalfOpenRemoved() => Interlocked.Decrement(ref _halfOpen);

    private TcpSocket Open(IpAddress local, IpAddress remote, ushort remotePort, TcpSocketOptions options)
    {
        if (Volatile.Read(ref _count) >= Options.MaxConnections)
        {
            throw new TcpException(TcpError.AddressInUse, $"There are {Options.MaxConnections} connections, as many as allowed.");
        }

        while (true)
        {
            long now = Now;
            int port = _ports.ForConnection(
                local, remote, remotePort, candidate => IsFree(local, remote, (ushort)candidate, remotePort, now));
            if (port == 0)
            {
                throw new TcpException(TcpError.AddressInUse, "Every dynamic port is in use for connections to that address and port.");
            }

            var key = new ConnectionKey(local, remote, (ushort)port, remotePort);
            TcpConnectionSetup setup = SetUp(key, now);
            var socket = new TcpSocket(
                this, key, TcpConnection.Connect(_environment, options, setup, now), options, listener: null, remoteMac: null);
            if (_sockets.TryAdd(key, socket))
            {
                Interlocked.Increment(ref _count);
                if (_disposed)
                {
                    // As in Listen: Dispose may have missed this attempt.
                    socket.Abort(new TcpException(TcpError.ConnectionAborted, "The stack was stopped."));
                }

                return socket;
            }
        }
    }

    private TcpConnectionSetup SetUp(in ConnectionKey key, long now) => new(
        key.LocalPort,
        key.RemotePort,
        Output.ExpectedPayload(key.Remote) - TcpSegment.HeaderLength,
        _isn.Next(key, now),
        _isn.TimestampOffset(key));

    private bool IsFree(IpAddress local, IpAddress remote, ushort localPort, ushort remotePort, long now)
    {
        var key = new ConnectionKey(local, remote, localPort, remotePort);
        return !_sockets.ContainsKey(key) && !_timeWait.Contains(key, now) && !IsListening(localPort);
    }

    // A port with a listener on any address is not used for outgoing connections, which could be mistaken for the listener's own.
    private bool IsListening(int port)
    {
        foreach (KeyValuePair<(IpAddress? Address, int Port), TcpListener> entry in _listeners)
        {
            if (entry.Key.Port == port)
            {
                return true;
            }
        }

        return false;
    }

    private void OnUnknown(in ConnectionKey key, in TcpSegment segment, ReadOnlySpan<byte> payload, MacAddress sourceMac, long now)
    {
        uint minimumSequence = 0;
        switch (_timeWait.OnSegment(key, segment, now, out TimeWaitEntry old, out OutgoingSegment answer))
        {
            case TimeWaitTable.Verdict.Drop:
                return;
            case TimeWaitTable.Verdict.Answer:
                AddAnswer(key, answer);
                return;
            case TimeWaitTable.Verdict.Reuse:
                minimumSequence = old.SendNext + 1;
                break;
        }

        if (_listeners.TryGetValue((key.Local, key.LocalPort), out TcpListener? listener)
            || _listeners.TryGetValue((null, key.LocalPort), out listener))
        {
            switch (segment.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst))
            {
                case TcpFlags.Syn when !segment.Has(TcpFlags.Fin):
                    OnSyn(listener, key, segment, sourceMac, now, minimumSequence);
                    return;
                case TcpFlags.Ack when now < listener.CookiesUntil:
                    OnCookie(listener, key, segment, payload, sourceMac, now);
                    return;
            }
        }

        Statistics.Add(TcpCounter.UnknownSegments);
        if (!segment.Has(TcpFlags.Rst))
        {
            Statistics.Add(TcpCounter.ResetsSent);
            AddAnswer(key, OutgoingSegment.ResetFor(segment));
        }
    }

    private void OnSyn(TcpListener listener, in ConnectionKey key, in TcpSegment syn, MacAddress sourceMac, long now, uint minimumSequence)
    {
        // A SYN that claims to come from this very socket ("LAND" attack); or a limit is reached.
        if (key.Local == key.Remote && key.LocalPort == key.RemotePort
            || Volatile.Read(ref _count) >= Options.MaxConnections
            || !listener.HasRoom)
        {
            Statistics.Add(TcpCounter.SynDropped);
            return;
        }

        if (Budget.IsExhausted)
        {
            Statistics.Add(TcpCounter.MemoryRefused);
            return;
        }

        TcpSocketOptions options = listener.Options.Socket;
        TcpConnectionSetup setup = SetUp(key, now);
        if (!HasHalfOpenRoom(listener))
        {
            listener.CookiesUntil = now + SynCookies.Lifetime;
            Statistics.Add(TcpCounter.SynCookiesSent);
            AddAnswer(key, _cookies.Answer(key, syn, options, setup, now));
            return;
        }

        if (now < listener.CookiesUntil)
        {
            // This SYN may be the retransmission of one that was answered with a cookie: the initial sequence number must be the same.
            setup = setup with { InitialSequence = _cookies.Sequence(key, syn, now) };
        }

        if (minimumSequence != 0 && Sequence.IsBefore(setup.InitialSequence, minimumSequence))
        {
            setup = setup with { InitialSequence = minimumSequence };
        }

        var socket = new TcpSocket(this, key, TcpConnection.Accept(_environment, options, setup, syn, now), options, listener, sourceMac);
        if (TryEnter(socket, listener))
        {
            MarkPending(socket);
        }
    }

    // An acknowledgement for a listener that has lately sent SYN cookies (RFC 4987, 3.6).
    private void OnCookie(
        TcpListener listener, in ConnectionKey key, in TcpSegment segment, ReadOnlySpan<byte> payload, MacAddress sourceMac, long now)
    {
        if (!_cookies.TryRestore(key, segment, now, out TcpSegment syn))
        {
            // No reset: this may be a later segment of a peer whose first one was lost or refused, and will be retransmitted.
            Statistics.Add(TcpCounter.UnknownSegments);
            return;
        }

        // When the accept queue is full, the connection stays half-open and its SYN-ACK is retransmitted. At the limit of half-open
        // connections as well, the segment is dropped and the peer retransmits its data.
        if (Volatile.Read(ref _count) >= Options.MaxConnections || !listener.HasRoom && !HasHalfOpenRoom(listener))
        {
            Statistics.Add(TcpCounter.SynDropped);
            return;
        }

        if (Budget.IsExhausted)
        {
            Statistics.Add(TcpCounter.MemoryRefused);
            return;
        }

        TcpSocketOptions options = listener.Options.Socket;
        TcpConnectionSetup setup = SetUp(key, now) with { InitialSequence = segment.Acknowledgement - 1 };
        var socket = new TcpSocket(this, key, TcpConnection.Restore(_environment, options, setup, syn, now), options, listener, sourceMac);
        if (TryEnter(socket, listener))
        {
            socket.OnSegment(segment, payload, sourceMac, now);
            MarkPending(socket);
        }
    }

    private bool HasHalfOpenRoom(TcpListener listener) =>
        listener.HalfOpenCount < listener.Options.Backlog && Volatile.Read(ref _halfOpen) < Options.MaxHalfOpen;

    // False when the listener is closed, or another thread took the same segment.
    private bool TryEnter(TcpSocket socket, TcpListener listener)
    {
        if (!listener.TryAddHalfOpen(socket))
        {
            return false;
        }

        if (!_sockets.TryAdd(socket.Key, socket))
        {
            listener.OnHalfOpenEnded(socket);
            return false;
        }

        Stations.Add(socket);
        Interlocked.Increment(ref _count);
        if (socket.State == TcpState.Closed)
        {
            // The listener, and with it this socket, was closed before it was entered into the table.
            Remove(socket);
            return false;
        }

        return true;
    }

    private void MarkPending(TcpSocket socket)
    {
        // If it is already set: the thread that ends the batch clears the flag before it takes the socket's lock, so it sees what this
        // segment has changed.
        if (socket.IsPending)
        {
            return;
        }

        lock (_batchGate)
        {
            if (!socket.IsPending)
            {
                EnterBatch();
                socket.IsPending = true;
                _pending.Add(socket);
            }
        }
    }

    private void AddAnswer(in ConnectionKey key, in OutgoingSegment segment)
    {
        lock (_batchGate)
        {
            EnterBatch();
            _answers ??= [];
            if (_answers.Count < MaxAnswers)
            {
                _answers.Add(new Answer(key.Local, key.Remote, segment));
            }
        }
    }

    // The first work of a batch. Under the lock of the batch.
    private void EnterBatch()
    {
        if (_pending.Count == 0 && _answers is null)
        {
            Options.Batches?.Add(this);
        }
    }

    private void OnDeadlines(List<TcpSocket> due, long now) => RunBatch(due, static (socket, now) => socket.OnDeadline(now));

    private void RunBatch(List<TcpSocket> sockets, Action<TcpSocket, long> work)
    {
        if (sockets.Count == 0)
        {
            return;
        }

        TransmissionBatch batch = BeginBatch();
        try
        {
            foreach (TcpSocket socket in sockets)
            {
                work(socket, batch.Now);
                socket.RunPending(batch);
            }
        }
        finally
        {
            batch.Packets.Send();
            foreach (TcpSocket socket in sockets)
            {
                socket.EndBatch(batch);
            }
        }

        OnProgress();
    }

    /// <summary>A transmission batch: the packets that one thread sends together for one or more sockets.</summary>
    /// <param name="Packets">The batch into which segments are written.</param>
    /// <param name="Id">Unique number, since batch objects are reused.</param>
    /// <param name="Now">The time when it began.</param>
    internal readonly record struct TransmissionBatch(IpBatch Packets, long Id, long Now);

    private readonly record struct Answer(IpAddress Local, IpAddress Remote, OutgoingSegment Segment);
}
