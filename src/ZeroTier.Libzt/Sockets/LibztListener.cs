namespace ZeroTier.Libzt.Sockets;

/// <summary>A listening TCP port with its queue of connections that wait to be accepted. Thread-safe.</summary>
internal sealed class LibztListener : IZeroTierListener
{
    // Held briefly, never while application code runs.
    private readonly Lock _gate = new();
    private readonly SocketLoop _loop;
    private readonly Queue<StreamSocket> _ready = new();
    private readonly LinkedList<TaskCompletionSource<ZeroTierConnection?>> _waiters = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _backlog;
    private bool _isClosed;
    private bool _isPaused;

    internal LibztListener(SocketLoop loop, ZeroTierEndPoint endPoint, int backlog)
    {
        _loop = loop;
        _backlog = backlog;
        EndPoint = endPoint;
    }

    public ZeroTierEndPoint EndPoint { get; }

    internal int Backlog => _backlog;

    /// <summary>The descriptors, one per address. Used on the loop's thread only.</summary>
    internal List<ListeningSocket> Sockets { get; } = [];

    /// <summary>The number of callers that wait for a connection.</summary>
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

    public async ValueTask<ZeroTierConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        StreamSocket? ready = null;
        TaskCompletionSource<ZeroTierConnection?>? waiter = null;
        bool resumes = false;
        lock (_gate)
        {
            if (_ready.TryDequeue(out ready))
            {
                resumes = _isPaused;
                _isPaused = false;
            }
            else if (_isClosed)
            {
                return null;
            }
            else
            {
                waiter = new TaskCompletionSource<ZeroTierConnection?>(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiters.AddLast(waiter);
            }
        }

        if (resumes)
        {
            _loop.Work.Schedule(static state => ((LibztListener)state!).Resume(), this);
        }

        if (waiter is null)
        {
            return ready!.Connection;
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<ZeroTierConnection?>)state!).TrySetCanceled(token), waiter);
        try
        {
            return await waiter.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                _waiters.Remove(waiter);
            }

            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        _loop.Work.Schedule(static state => ((LibztListener)state!).Close(), this);
        return new ValueTask(_closed.Task);
    }

    /// <summary>Whether the queue has room for another connection. If not, accepting is resumed once there is room again.</summary>
    internal bool HasRoom()
    {
        lock (_gate)
        {
            _isPaused = _ready.Count >= _backlog;
            return !_isPaused;
        }
    }

    /// <summary>Passes a connection to the next caller or queues it. Called on the loop's thread.</summary>
    internal void Add(StreamSocket stream)
    {
        while (true)
        {
            TaskCompletionSource<ZeroTierConnection?> waiter;
            lock (_gate)
            {
                if (_waiters.First is not { } first)
                {
                    _ready.Enqueue(stream);
                    return;
                }

                waiter = first.Value;
                _waiters.RemoveFirst();
            }

            // If this fails, the waiter was cancelled in the meantime: try the next one.
            if (waiter.TrySetResult(stream.Connection))
            {
                return;
            }
        }
    }

    /// <summary>
    /// Closes the listener: pending accepts return null, connections not yet accepted are reset. Called on the loop's thread, or on any
    /// thread after the loop has ended. Idempotent.
    /// </summary>
    internal void Close()
    {
        StreamSocket[] unaccepted;
        TaskCompletionSource<ZeroTierConnection?>[] waiters;
        lock (_gate)
        {
            unaccepted = [.. _ready];
            waiters = [.. _waiters];
            _ready.Clear();
            _waiters.Clear();
            _isClosed = true;
        }

        foreach (ListeningSocket socket in Sockets)
        {
            socket.Close();
        }

        Sockets.Clear();
        foreach (StreamSocket stream in unaccepted)
        {
            stream.End(SocketErrors.NotAccepted());
            stream.OnDisposed();
            stream.Discard();
        }

        foreach (TaskCompletionSource<ZeroTierConnection?> waiter in waiters)
        {
            waiter.TrySetResult(null);
        }

        _closed.TrySetResult();
    }

    /// <summary>Follows changed addresses of the network, for a listener on all addresses. Called on the loop's thread.</summary>
    internal void Follow(NetworkView network)
    {
        foreach (IPNetworkAddress own in network.Addresses)
        {
            if (Sockets.Exists(s => s.Address.Equals(own.Address)))
            {
                continue;
            }

            try
            {
                Sockets.Add(_loop.ListenAlso(this, own.Address, Sockets[0].Options));
            }
            catch (ZeroTierException e)
            {
                SocketLog.AddressNotBound(_loop.Logger, EndPoint, own.Address, e.Message);
            }
        }

        // At least one socket remains, so that the loop still finds this listener.
        for (int i = Sockets.Count - 1; i >= 0 && Sockets.Count > 1; i--)
        {
            if (!network.Has(Sockets[i].Address))
            {
                Sockets[i].Close();
                Sockets.RemoveAt(i);
            }
        }
    }

    private void Resume()
    {
        foreach (ListeningSocket socket in Sockets)
        {
            socket.Resume();
        }
    }
}
