using System.Collections.Concurrent;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>TCP for one set of local addresses: demultiplexing, listeners, ports and timers. Thread-safe.</summary>
internal sealed partial class TcpLayer : IDisposable
{
    private readonly TimeProvider _time;
    private readonly long _origin;
    private readonly ConcurrentDictionary<ConnectionKey, TcpSocket> _sockets = new();
    private readonly TcpEnvironment _environment;
    private readonly TimeWaitTable _timeWait;
    private readonly IsnGenerator _isn;
    private readonly PortAllocator _ports;

    // By the number of the thread, so that several receive threads neither wait for each other nor end each other's batches.
    private readonly ReceivedBatch?[] _received = new ReceivedBatch?[BatchQueue.MaxThreads];
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

    internal IIpOutput Output { get; }

    internal TcpLayerOptions Options { get; }

    internal BufferBudget Budget { get; }

    internal ChunkPool Chunks { get; }

    internal DeadlineQueue Deadlines { get; }

    internal StationTable Stations { get; } = new();

    /// <summary>Ticks of 100 ns since the layer began.</summary>
    internal long Now => _time.GetElapsedTime(_origin).Ticks;

    // The batch of this thread.
    private ReceivedBatch Received
    {
        get
        {
            ref ReceivedBatch? received = ref _received[BatchQueue.ThreadIndex];
            return received ?? Interlocked.CompareExchange(ref received, new ReceivedBatch(this), null) ?? received;
        }
    }

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
        ReceivedBatch received = Received;
        long now = received.ArrivalTime;
        if (!_sockets.TryGetValue(key, out TcpSocket? socket))
        {
            OnUnknown(key, header, segment[header.HeaderBytes..], sourceMac, now);
            return;
        }

        socket.OnSegment(header, segment[header.HeaderBytes..], sourceMac, now);
        received.Add(socket);
    }

    /// <summary>
    /// Called after each batch of received packets: sends resets, acknowledgements and data for the whole batch, and flushes input pipes.
    /// </summary>
    public void EndOfBatch() => Run(Received);

    /// <summary>Ends a batch.</summary>
    internal void Run(ReceivedBatch received)
    {
        if (!received.TryTake(out List<TcpSocket> pending, out List<ReceivedBatch.Answer>? answers))
        {
            return;
        }

        TransmissionBatch batch = BeginBatch();
        try
        {
            // Not "foreach (… in answers ?? [])", which would allocate an empty list for every batch.
            for (int i = 0; i < answers?.Count; i++)
            {
                ReceivedBatch.Answer answer = answers[i];
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
        received.Return(pending);
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
}
