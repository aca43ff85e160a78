namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>A listening port. Thread-safe.</summary>
internal sealed class TcpListener : IDisposable
{
    // Lock order: this lock is taken inside no other. TryReserve, which connections call under their own lock, takes no lock.
    private readonly Lock _gate = new();
    private readonly TcpLayer _layer;
    private readonly LinkedList<TcpSocket> _halfOpen = new();
    private readonly LinkedList<TcpSocket> _ready = new();
    private readonly LinkedList<Waiter> _waiters = new();

    // Places taken in the accept queue: by completed handshakes, and by those that a segment being processed may complete.
    private int _places;
    private long _cookiesUntil = long.MinValue;
    private bool _disposed;

    internal TcpListener(TcpLayer layer, IpAddress? address, int port, TcpListenOptions options)
    {
        _layer = layer;
        Address = address;
        Port = port;
        Options = options;
    }

    /// <summary>Null for every address.</summary>
    public IpAddress? Address { get; }

    /// <summary>The real port, 1 to 65535.</summary>
    public int Port { get; }

    internal TcpListenOptions Options { get; }

    /// <summary>Half-open connections. Read without the lock and compared with a limit; a stale value is harmless.</summary>
    internal int HalfOpenCount => _halfOpen.Count;

    /// <summary>The accept queue is not full.</summary>
    internal bool HasRoom => Volatile.Read(ref _places) < Options.Backlog;

    /// <summary>Until when SYN cookies of this listener are valid.</summary>
    internal long CookiesUntil
    {
        get => Volatile.Read(ref _cookiesUntil);
        set => Volatile.Write(ref _cookiesUntil, value);
    }

    /// <summary>The next connection, or null once the listener is closed.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; the listener stays open.</exception>
    public async ValueTask<TcpSocket?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Waiter waiter;
        lock (_gate)
        {
            if (_disposed)
            {
                return null;
            }

            if (_ready.First is { } first)
            {
                _ready.RemoveFirst();
                Unreserve();
                return first.Value;
            }

            waiter = new Waiter(this);
            _waiters.AddLast(waiter);
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((Waiter)state!).Cancel(token), waiter);
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Callers that wait for a connection.</summary>
    internal int WaiterCount
    {
        get
        {
            lock (_gate)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>Stops listening; accepted connections stay open, those not yet accepted are reset. Idempotent.</summary>
    public void Dispose()
    {
        TcpSocket[] sockets;
        Waiter[] waiters;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            sockets = [.. _ready, .. _halfOpen];
            waiters = [.. _waiters];
            _layer.Statistics.Add(TcpCounter.NeverAccepted, _ready.Count);
            _ready.Clear();
            _waiters.Clear();
        }

        _layer.Remove(this);
        foreach (Waiter waiter in waiters)
        {
            _layer.Options.Scheduler.Schedule(static state => ((Waiter)state!).SetResult(null), waiter);
        }

        foreach (TcpSocket socket in sockets)
        {
            GiveUp(socket);
        }
    }

    /// <summary>Adds a half-open connection.</summary>
    /// <returns>False once the listener is closed.</returns>
    internal bool TryAddHalfOpen(TcpSocket socket)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return false;
            }

            socket.HalfOpenNode = _halfOpen.AddLast(socket);
            _layer.OnHalfOpenAdded();
            return true;
        }
    }

    /// <summary>Takes a place in the accept queue for a handshake that a segment may complete. Lock-free.</summary>
    /// <returns>False when every place is taken.</returns>
    internal bool TryReserve()
    {
        if (Interlocked.Increment(ref _places) <= Options.Backlog)
        {
            return true;
        }

        Unreserve();
        return false;
    }

    /// <summary>Gives the place back: the segment did not complete the handshake, or the connection was accepted.</summary>
    internal void Unreserve() => Interlocked.Decrement(ref _places);

    /// <summary>The handshake has failed or was aborted.</summary>
    internal void OnHalfOpenEnded(TcpSocket socket)
    {
        lock (_gate)
        {
            RemoveHalfOpen(socket);
        }
    }

    /// <summary>The handshake is complete. The caller has reserved a place in the accept queue.</summary>
    internal void OnEstablished(TcpSocket socket)
    {
        bool refused;
        lock (_gate)
        {
            RemoveHalfOpen(socket);
            refused = _disposed;
            if (!refused)
            {
                _ready.AddLast(socket);
            }
        }

        if (refused)
        {
            _layer.Statistics.Add(TcpCounter.NeverAccepted);
            GiveUp(socket);
            return;
        }

        _layer.Statistics.Add(TcpCounter.ConnectionsAccepted);
        _layer.Options.Scheduler.Schedule(static state => ((TcpListener)state!).Match(), this);
    }

    // Resets the connection and, since no application will read it, releases its received data.
    private static void GiveUp(TcpSocket socket)
    {
        socket.Abort(new TcpException(TcpError.ConnectionAborted, "The listener was closed before the connection was accepted."));
        socket.Dispose();
    }

    // Hands completed connections to pending accepts.
    private void Match()
    {
        while (true)
        {
            TcpSocket socket;
            Waiter waiter;
            lock (_gate)
            {
                if (_ready.First is not { } first || _waiters.First is not { } firstWaiter)
                {
                    return;
                }

                socket = first.Value;
                waiter = firstWaiter.Value;
                _ready.RemoveFirst();
                _waiters.RemoveFirst();
                Unreserve();
            }

            waiter.SetResult(socket);
        }
    }

    private void RemoveHalfOpen(TcpSocket socket)
    {
        if (socket.HalfOpenNode is { } node)
        {
            _halfOpen.Remove(node);
            socket.HalfOpenNode = null;
            _layer.OnHalfOpenRemoved();
        }
    }

    /// <summary>
    /// A pending accept. The thread that removes it from the list, under the lock, completes it, so that a connection is never handed to a
    /// cancelled accept.
    /// </summary>
    private sealed class Waiter(TcpListener listener) : TaskCompletionSource<TcpSocket?>
    {
        public void Cancel(CancellationToken cancellationToken)
        {
            lock (listener._gate)
            {
                if (!listener._waiters.Remove(this))
                {
                    return;
                }
            }

            SetCanceled(cancellationToken);
        }
    }
}
