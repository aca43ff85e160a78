using System.Collections.Concurrent;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>Listeners: ports in use, and segments that belong to no connection, which may open one.</content>
internal sealed partial class TcpLayer
{
    private readonly ConcurrentDictionary<(IpAddress? Address, int Port), TcpListener> _listeners = new();
    private readonly SynCookies _cookies;
    private int _halfOpen;

    /// <summary>Handshakes of all listeners that are not complete.</summary>
    public int HalfOpenCount => Volatile.Read(ref _halfOpen);

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

    internal void Remove(TcpListener listener) =>
        _listeners.TryRemove(new KeyValuePair<(IpAddress?, int), TcpListener>((listener.Address, listener.Port), listener));

    internal void OnHalfOpenAdded() => Interlocked.Increment(ref _halfOpen);

    internal void OnHalfOpenRemoved() => Interlocked.Decrement(ref _halfOpen);

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
                Received.Add(new ReceivedBatch.Answer(key.Local, key.Remote, answer));
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
            Received.Add(new ReceivedBatch.Answer(key.Local, key.Remote, OutgoingSegment.ResetFor(segment)));
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
            Received.Add(new ReceivedBatch.Answer(key.Local, key.Remote, _cookies.Answer(key, syn, options, setup, now)));
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
            Received.Add(socket);
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
            Received.Add(socket);
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
}
