using System.IO.Pipelines;
using System.Net;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// The loop's side of a connection: the descriptor and the engine's ends of the pipes. Everything except the pipes and tasks is used on the
/// loop's thread only.
/// </summary>
/// <remarks>
/// <code>
/// receiving:  In polled ── recv 0 ──► FIN received          sending:  pipe read ── all sent ──► shutdown(WR): FIN sent
///                │ ▲                                                     │ ▲
///          flush waits: paused                                     no room: Out polled
///
/// FIN received and sent ──► closed            disposed by the application: received bytes are discarded until the peer's FIN or a deadline
/// error, abort ──────────► both pipes end, the descriptor closes (by the peer's reset) or lingers (for ours, see LingeringSocket)
/// </code>
/// </remarks>
internal sealed partial class StreamSocket : PolledSocket
{
    private readonly StreamOptions _options;
    private bool _isOver;
    private bool _isDisposed;
    private bool _isCounted = true;

    // libzt's connection has ended in order in both directions; the application still has to read buffered bytes.
    private bool _isClosedBehind;

    internal StreamSocket(
        SocketLoop loop,
        NetworkId network,
        Descriptor descriptor,
        IPEndPoint local,
        IPEndPoint remote,
        StreamOptions options,
        bool isAccepted)
        : base(loop, network)
    {
        _options = options;
        Descriptor = descriptor;
        options.Apply(descriptor);
        _input = new Pipe(options.Input);
        _output = new Pipe(options.Output);
        _onFlushed = OnFlushed;
        _onRead = OnRead;
        Connection = new LibztConnection(this, local, remote);
        loop.OpenPipeEnds += 2;
        loop.Counters.ConnectionBegan(isAccepted);
        loop.Polled.Add(this);
        loop.EnqueueSend(this);
    }

    /// <summary>The object that the application holds.</summary>
    internal LibztConnection Connection { get; }

    internal override PollEvents Interest =>
        (IsReceiving ? PollEvents.In : PollEvents.None) | (_isBlocked ? PollEvents.Out : PollEvents.None);

    internal override bool IsPolled => !_isClosedBehind || !_isFlushing;

    internal override long NextDeadline => !_isDisposed || _isOver
        ? Never
        : _finSentAt != Never ? _finSentAt + Loop.Limits.LingerTime : _lastProgress + Loop.Limits.AbandonedTime;

    /// <summary>Disposed by the application and waiting only for the peer's FIN: may be closed early when descriptors are scarce.</summary>
    internal bool IsLingering => _isDisposed && !_isOver && _finSentAt != Never;

    internal override (int Rank, long Since) Expendable => IsLingering ? (1, _finSentAt) : default;

    internal override void GiveUpEarly() => Finish();

    internal override void OnReady(PollEvents events)
    {
        if ((events & (PollEvents.In | PollEvents.Error)) != 0)
        {
            if (IsReceiving)
            {
                Receive((events & PollEvents.Error) != 0 || _isClosedBehind);
            }
            else if ((events & PollEvents.Error) != 0)
            {
                OnErrorUnread(Descriptor!.TakeError());
            }
        }

        if ((events & PollEvents.Out) != 0 && Descriptor is not null)
        {
            _isBlocked = false;
            Loop.EnqueueSend(this);
        }

        Update();
    }

    internal override void OnDeadline()
    {
        if (IsLingering)
        {
            Finish();
        }
        else
        {
            EndWith(SocketErrors.Abandoned(Connection.RemoteEndPoint), Ending.Reset);
        }
    }

    internal override void End(ZeroTierException reason) => EndWith(reason, Ending.Reset);

    /// <summary>Resets the connection at the application's request.</summary>
    internal void Abort() => EndWith(Connection.AbortReason, Ending.Reset);

    /// <summary>Called when the application has disposed the connection and its ends of the pipes are completed.</summary>
    internal void OnDisposed()
    {
        _isDisposed = true;
        Uncount();
        EndInput(null);
        LookAtOutput();
        _lastProgress = Loop.Now;
        Update();
    }

    /// <summary>Completes the application's ends of the pipes, for a connection that was never handed out.</summary>
    internal void Discard()
    {
        End(_output.Writer);
        End(_input.Reader);
    }

    /// <summary>Closes the socket: both directions have ended in order, or the linger time has passed.</summary>
    internal void Finish()
    {
        _isOver = true;
        Uncount();
        Close();
    }

    private void FinishIfBothEnded()
    {
        if (_isEof && _isInputDone && _finSentAt != Never && !_isOver)
        {
            Finish();
        }
    }

    private void OnErrorUnread(Errno error)
    {
        if (_isFlushing && !_isEof && IsOrderly(error))
        {
            // Received bytes that libzt still buffers, and the peer's FIN, can be read later.
            _isClosedBehind = true;
        }
        else
        {
            Fail(error);
        }
    }

    // When our FIN is acknowledged after the peer's, lwIP frees the connection and reports "not connected"; any earlier end has another
    // error.
    private bool IsOrderly(Errno error) => _finSentAt != Never && error is (Errno.None or Errno.NotConnected);

    // The connection has failed: reset by the peer, or timed out.
    private void Fail(Errno error)
    {
        if (_isEof && _finSentAt != Never)
        {
            // Both directions have ended in order. The application may still have bytes to read, so only the descriptor is closed, which
            // would report its error at every poll.
            Descriptor?.Dispose();
            Descriptor = null;
            FinishIfBothEnded();
            return;
        }

        EndWith(SocketErrors.OfConnection(error == Errno.None ? Errno.Reset : error, Connection.RemoteEndPoint), Ending.Failure);
    }

    private void EndWith(ZeroTierException error, Ending ending)
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        Uncount();

        // After FIN there is no point in waiting, since libzt sends no keep-alive probes any more. A full send buffer is no reason to close
        // at once: the peer may acknowledge everything before the close, which would then send FIN.
        bool closesAtOnce = _finSentAt != Never;

        // Removed first, so that this happens even if the application's pool or scheduler throws when the pipes are completed.
        Loop.Remove(this);
        if (Descriptor is { } descriptor)
        {
            Descriptor = null;
            if (ending == Ending.Reset)
            {
                LingeringSocket.Reset(Loop, Network, descriptor, closesAtOnce);
            }
            else
            {
                descriptor.Dispose();
            }
        }

        if (ending == Ending.Reset)
        {
            _options.Observer.OnResetSent(Connection, error);
        }
        else if (error.Error == ZeroTierError.ConnectionReset)
        {
            _options.Observer.OnResetReceived(Connection);
        }

        EndInput(error);
        EndOutput(error);
    }

    private void Uncount()
    {
        if (_isCounted)
        {
            _isCounted = false;
            Loop.Counters.ConnectionEnded();
        }
    }

    private enum Ending
    {
        /// <summary>libzt reports that the connection has ended.</summary>
        Failure,

        /// <summary>This end aborts: the peer must get a reset.</summary>
        Reset,
    }
}
