using System.Buffers;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace ZeroTier.Managed.IpStack;

/// <summary>
/// A bound UDP port. Thread-safe. The receive queue is bounded in datagrams and bytes; what does not fit is dropped and counted.
/// </summary>
/// <remarks>
/// No other lock is taken under the socket's lock. Receivers are completed after its release, by the stack's scheduler.
/// </remarks>
internal sealed class UdpSocket : IDisposable
{
    internal const int MaxQueued = 512;
    internal const int MaxQueuedBytes = 1 << 20;

    private readonly UdpLayer _layer;
    private readonly Lock _gate = new();
    private readonly Queue<Datagram> _queue = new();
    private readonly LinkedList<Receiver> _receivers = new();
    private Receiver? _idle;
    private int _queuedBytes;
    private long _dropped;
    private SocketError _closed;

    public UdpSocket(UdpLayer layer, IpAddress? localAddress, ushort localPort)
    {
        _layer = layer;
        LocalAddress = localAddress;
        LocalPort = localPort;
    }

    /// <summary>The bound address; null for all of ours.</summary>
    public IpAddress? LocalAddress { get; }

    public ushort LocalPort { get; }

    /// <summary>Datagrams dropped because the receive queue was full.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Sends one datagram. It may be lost, like any datagram.</summary>
    /// <exception cref="SocketException">Too long, no route, or closed.</exception>
    public void SendTo(ReadOnlySpan<byte> datagram, in IpAddress destination, ushort port)
    {
        ThrowIfClosed();
        _layer.Send(LocalAddress, LocalPort, destination, port, datagram);
    }

    /// <summary>Receives what is sent to a group, from now on. Without effect if the group is joined already.</summary>
    /// <exception cref="SocketException">Closed, or too many groups.</exception>
    public void Join(in IpAddress group) => _layer.Groups.Join(group, this);

    /// <summary>The reverse of <see cref="Join"/>. Without effect if the group is not joined.</summary>
    /// <exception cref="SocketException">Closed.</exception>
    public void Leave(in IpAddress group)
    {
        ThrowIfClosed();
        _layer.Groups.Leave(group, this);
    }

    /// <summary>Receives one datagram; what does not fit in the buffer is cut off.</summary>
    /// <exception cref="SocketException">The socket was closed.</exception>
    public ValueTask<UdpReceived> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<UdpReceived>(cancellationToken);
        }

        Receiver receiver;
        ValueTask<UdpReceived> task;
        lock (_gate)
        {
            if (_closed != SocketError.Success)
            {
                return ValueTask.FromException<UdpReceived>(Closed());
            }

            if (_queue.TryDequeue(out var datagram))
            {
                _queuedBytes -= datagram.Length;
                return new ValueTask<UdpReceived>(datagram.Take(buffer.Span));
            }

            receiver = _idle ?? new Receiver(this);
            _idle = null;
            task = receiver.Begin(buffer);
            _receivers.AddLast(receiver.Node);
        }

        receiver.CancelWith(cancellationToken);
        return task;
    }

    public void Dispose() => Close(SocketError.OperationAborted);

    /// <exception cref="SocketException">It is closed.</exception>
    internal void ThrowIfClosed()
    {
        if (_closed != SocketError.Success)
        {
            throw Closed();
        }
    }

    /// <summary>Fails pending receives, and every later call, with an error.</summary>
    internal void Close(SocketError reason)
    {
        Receiver[] waiting;
        lock (_gate)
        {
            if (_closed != SocketError.Success)
            {
                return;
            }

            _closed = reason;
            waiting = [.. _receivers];
            _receivers.Clear();
            while (_queue.TryDequeue(out var datagram))
            {
                ArrayPool<byte>.Shared.Return(datagram.Buffer);
            }
        }

        _layer.Unbind(this);
        foreach (var receiver in waiting)
        {
            receiver.Fail(Closed());
        }
    }

    /// <summary>Delivers a received datagram to a pending receive, or queues it.</summary>
    /// <returns>False when the queue is full or the socket is closed.</returns>
    internal bool Enqueue(ReadOnlySpan<byte> payload, in IpAddress source, ushort sourcePort, MacAddress sourceMac)
    {
        Receiver receiver;
        lock (_gate)
        {
            if (_receivers.First is { } first)
            {
                _receivers.Remove(first);
                receiver = first.Value;
            }
            else if (_closed != SocketError.Success || _queue.Count >= MaxQueued || _queuedBytes + payload.Length > MaxQueuedBytes)
            {
                Interlocked.Increment(ref _dropped);
                return false;
            }
            else
            {
                byte[] copy = ArrayPool<byte>.Shared.Rent(payload.Length);
                payload.CopyTo(copy);
                _queue.Enqueue(new Datagram(copy, payload.Length, source, sourcePort, sourceMac));
                _queuedBytes += payload.Length;
                return true;
            }
        }

        receiver.Complete(payload, source, sourcePort, sourceMac);
        return true;
    }

    private SocketException Closed() => new((int)_closed);

    private readonly record struct Datagram(byte[] Buffer, int Length, IpAddress Source, ushort SourcePort, MacAddress SourceMac)
    {
        public UdpReceived Take(Span<byte> destination)
        {
            int length = Math.Min(Length, destination.Length);
            Buffer.AsSpan(0, length).CopyTo(destination);
            ArrayPool<byte>.Shared.Return(Buffer);
            return new UdpReceived(length, Source, SourcePort, SourceMac);
        }
    }

    /// <summary>One pending receive call. The thread that removes it from the list, under the lock, completes it.</summary>
    private sealed class Receiver : IValueTaskSource<UdpReceived>
    {
        private readonly UdpSocket _socket;
        private ManualResetValueTaskSourceCore<UdpReceived> _core;
        private CancellationTokenRegistration _cancellation;
        private Memory<byte> _buffer;
        private UdpReceived _result;
        private Exception? _error;

        public Receiver(UdpSocket socket)
        {
            _socket = socket;
            Node = new LinkedListNode<Receiver>(this);
        }

        public LinkedListNode<Receiver> Node { get; }

        public ValueTask<UdpReceived> Begin(Memory<byte> buffer)
        {
            _buffer = buffer;
            return new ValueTask<UdpReceived>(this, _core.Version);
        }

        public void CancelWith(CancellationToken token)
        {
            if (!token.CanBeCanceled)
            {
                return;
            }

            short version = _core.Version;
            var registration = token.UnsafeRegister(static (state, token) => ((Receiver)state!).Cancel(token), this);
            bool pending;
            lock (_socket._gate)
            {
                pending = version == _core.Version && Node.List is not null;
                if (pending)
                {
                    _cancellation = registration;
                }
            }

            // The receive has completed in the meantime: nothing is left to cancel.
            if (!pending)
            {
                registration.Dispose();
            }
        }

        public void Complete(ReadOnlySpan<byte> payload, in IpAddress source, ushort sourcePort, MacAddress sourceMac)
        {
            int length = Math.Min(payload.Length, _buffer.Length);
            try
            {
                payload[..length].CopyTo(_buffer.Span);
                _result = new UdpReceived(length, source, sourcePort, sourceMac);
            }
            catch (Exception e)
            {
                // The caller may have released its buffer: the exception then fails this receive and does not reach the delivering thread.
                _error = e;
            }

            Publish();
        }

        public void Fail(Exception error)
        {
            _error = error;
            Publish();
        }

        public UdpReceived GetResult(short token)
        {
            try
            {
                return _core.GetResult(token);
            }
            finally
            {
                _cancellation.Dispose();
                lock (_socket._gate)
                {
                    _cancellation = default;
                    _buffer = default;
                    _error = null;
                    _core.Reset();
                    _socket._idle ??= this;
                }
            }
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);

        private void Cancel(CancellationToken token)
        {
            lock (_socket._gate)
            {
                // The receive has completed in the meantime. The object cannot be in use by another receive yet: GetResult disposes of the
                // registration first, which waits for this callback.
                if (Node.List is null)
                {
                    return;
                }

                _socket._receivers.Remove(Node);
            }

            Fail(new OperationCanceledException(token));
        }

        private void Publish() => _socket._layer.Options.Completions.Schedule(
            static state =>
            {
                var receiver = (Receiver)state!;
                if (receiver._error is { } error)
                {
                    receiver._core.SetException(error);
                }
                else
                {
                    receiver._core.SetResult(receiver._result);
                }
            },
            this);
    }
}

/// <summary>What was received.</summary>
/// <param name="Length">Bytes written to the buffer.</param>
/// <param name="Source">The sender's address.</param>
/// <param name="SourcePort">The sender's port.</param>
/// <param name="SourceMac">The Ethernet address that it came from.</param>
internal readonly record struct UdpReceived(int Length, IpAddress Source, ushort SourcePort, MacAddress SourceMac);
