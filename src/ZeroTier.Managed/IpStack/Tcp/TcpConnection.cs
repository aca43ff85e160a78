using System.Buffers;
using ZeroTier.Managed.IpStack.Tcp.Congestion;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// The state machine of one connection, without I/O and clock: it takes segments, application bytes and the time, and gives segments to
/// send and the next deadline. Read RFC 9293, 3.10 first. Times are in ticks of 100 ns since any fixed moment.
/// </summary>
/// <remarks>
/// Guarded by the lock of the <see cref="TcpSocket"/> that owns it. Lock order: listener, then connection, then the timer queue, then
/// pools, then the budget; the tables of the layer are concurrent collections, or take no other lock under their own. No lock is held
/// while a pipe is flushed or completed, a batch is sent or an observer is called.
/// </remarks>
internal sealed partial class TcpConnection
{
    public const long Never = long.MaxValue;

    /// <summary>RFC 9293, 3.7.1: assumed when the peer names no size.</summary>
    internal const int DefaultSegmentSize = 536;

    // A peer that asks for tiny segments would make us send mostly headers; such an option is ignored.
    internal const int MinSegmentSize = 64;

    private readonly TcpEnvironment _environment;
    private readonly TcpSocketOptions _options;
    private readonly ushort _localPort;
    private readonly ushort _remotePort;
    private readonly int _localSegmentSize;
    private readonly uint _timestampOffset;
    private readonly SendBuffer _send;
    private readonly TcpReassemblyQueue _reassembly;
    private readonly SackScoreboard _scoreboard = new();

    // By this end.
    private readonly bool _opened;

    // The latest time passed to any method. Callers read the clock before they take the lock, so times may go backwards; without this, a
    // segment could get an earlier send time than its predecessor and be marked as lost.
    private long _clock;

    private TcpConnection(TcpEnvironment environment, TcpSocketOptions options, in TcpConnectionSetup setup, TcpState state)
    {
        _environment = environment;
        _options = options;
        _localPort = setup.LocalPort;
        _remotePort = setup.RemotePort;
        _localSegmentSize = LocalSegmentSize(setup);
        _pathSegmentSize = _localSegmentSize;
        _timestampOffset = setup.TimestampOffset;
        _send = new SendBuffer(environment.Chunks);
        _reassembly = new TcpReassemblyQueue(environment.Chunks);
        _initialSend = setup.InitialSequence;
        _sendUnacknowledged = setup.InitialSequence;
        _sendNext = setup.InitialSequence;
        _receiveScale = ReceiveWindow.ScaleFor(MaxReceiveWindow);
        _congestion = NewCongestionControl(DefaultSegmentSize);
        State = state;
        _opened = state == TcpState.SynSent;
    }

    public TcpState State { get; private set; }

    /// <summary>Why the connection is closed; null while it is open and after an orderly end.</summary>
    public TcpException? Error { get; private set; }

    /// <summary>The peer's FIN was received, all bytes before it as well.</summary>
    public bool IsFinReceived { get; private set; }

    /// <summary>The peer ended the connection with RST.</summary>
    public bool IsResetReceived { get; private set; }

    /// <summary>The first sequence number that was not yet handed to the input pipe.</summary>
    public uint Delivered => _delivered;

    /// <summary>Received data is acknowledged and discarded, since the application no longer reads.</summary>
    public bool DiscardsInput { get; private set; }

    /// <summary>Data waits in the reassembly queue for the input pipe.</summary>
    public bool HasUndelivered => _delivered != _receiveNext - (IsFinReceived ? 1u : 0);

    /// <summary>Everything that the application wrote, FIN included, is acknowledged.</summary>
    public bool IsSendQueueEmpty =>
        State is TcpState.Closed or TcpState.TimeWait || _send.Length == 0 && (!_finQueued || _finSent && _sendUnacknowledged == _sendNext);

    public long SmoothedRoundTrip => _timer.SmoothedRoundTrip;

    /// <summary>Bytes that may be appended now.</summary>
    public int SendRoom => _finQueued ? 0 : Math.Max(0, SendLimit - _send.Length);

    /// <summary>The input pipe's pool, which counts received bytes that are not read yet; null before the pipes exist.</summary>
    public MeteredPool? Unread { get; set; }

    /// <summary>Bytes of the connection's own buffers.</summary>
    public int Held => _send.Held + _reassembly.Held;

    /// <summary>A counter from an arbitrary start, which grows with each byte that is acknowledged or received in order.</summary>
    public uint Moved => _sendUnacknowledged + _receiveNext;

    // Twice the congestion window, so that sending never waits for the output pipe, plus the data that only waits for an earlier gap to be
    // filled. Bytes beyond the peer's window would stay here for as long as the peer's application does not read, so at most MinSendBuffer
    // is taken beyond it.
    private int SendLimit
    {
        get
        {
            if (_environment.Budget.IsExhausted)
            {
                return BufferBudget.Minimum;
            }

            long wanted = 2L * _congestion.Window + _scoreboard.SackedBytes + _scoreboard.LostBytes;
            return (int)Math.Clamp(
                Math.Min(wanted, (long)_sendWindow + MinSendBuffer),
                MinSendBuffer,
                Math.Max(MinSendBuffer, _options.MaxSendBuffer));
        }
    }

    private const int MinSendBuffer = 128 * 1024;

    /// <summary>An active open (RFC 9293, 3.10.1).</summary>
    public static TcpConnection Connect(TcpEnvironment environment, TcpSocketOptions options, in TcpConnectionSetup setup, long now)
    {
        var connection = new TcpConnection(environment, options, setup, TcpState.SynSent) { _synDue = true };
        connection._sendNext++;
        connection._lastHeardAt = now;
        connection._lifetimeAt = now + options.ConnectTimeout.Ticks;
        return connection;
    }

    /// <summary>A passive open: a listener has received a SYN (RFC 9293, 3.10.7.2).</summary>
    public static TcpConnection Accept(
        TcpEnvironment environment, TcpSocketOptions options, in TcpConnectionSetup setup, in TcpSegment syn, long now)
    {
        var connection = new TcpConnection(environment, options, setup, TcpState.SynReceived) { _synDue = true };
        connection._sendNext++;
        connection._lastHeardAt = now;
        connection._lifetimeAt = now + HalfOpenLifetime;
        connection.TakeSyn(syn, now);
        connection._sendWindow = syn.Window;
        connection._maxSendWindow = syn.Window;
        return connection;
    }

    /// <summary>
    /// A passive open whose SYN was answered with a SYN cookie: a segment has arrived that acknowledges the cookie (RFC 4987, 3.6).
    /// </summary>
    public static TcpConnection Restore(
        TcpEnvironment environment, TcpSocketOptions options, in TcpConnectionSetup setup, in TcpSegment syn, long now)
    {
        TcpConnection connection = Accept(environment, options, setup, syn, now);
        connection._synDue = false;

        // The send time of the SYN-ACK is not known, so no round trip is measured.
        connection._synAnsweredAgain = true;
        connection._retransmitAt = now + connection._timer.Timeout;
        return connection;
    }

    /// <summary>The MSS that this end announces.</summary>
    public static int LocalSegmentSize(in TcpConnectionSetup setup) => Math.Clamp(setup.SegmentSize, MinSegmentSize, ChunkPool.ChunkSize);

    /// <summary>Adds data of the application to the send buffer, at most <see cref="SendRoom"/> bytes.</summary>
    public void Append(in ReadOnlySequence<byte> data, long now)
    {
        if (_scoreboard.Count == 0 && _send.Length == 0)
        {
            _progressAt = now;
        }

        _send.Append(data);
    }

    /// <summary>The application has written its last byte: queues a FIN behind it (RFC 9293, 3.10.4).</summary>
    public void Close(long now)
    {
        if (_finQueued || State is TcpState.Closed or TcpState.TimeWait)
        {
            return;
        }

        _finQueued = true;
        _progressAt = _scoreboard.Count == 0 && _send.Length == 0 ? now : _progressAt;
        State = State switch
        {
            TcpState.Established => TcpState.FinWait1,
            TcpState.CloseWait => TcpState.LastAck,
            _ => State,
        };
    }

    /// <summary>
    /// The application has closed both directions: received data is discarded, and FIN-WAIT-2 is limited in time.
    /// </summary>
    public void Abandon(long now)
    {
        if (!_abandoned)
        {
            _abandoned = true;
            _abandonedAt = now;
        }

        DiscardInput();
        if (State == TcpState.FinWait2)
        {
            _lifetimeAt = Math.Min(_lifetimeAt, now + _environment.Options.FinWaitTimeout.Ticks);
        }
    }

    /// <summary>Aborts the connection with RST (RFC 9293, 3.10.5).</summary>
    public void Abort(TcpException reason)
    {
        if (State == TcpState.Closed)
        {
            // The RST of an earlier call may still be waiting to be sent.
            return;
        }

        // Before the peer's SYN there is no connection to reset.
        _resetDue = State is not (TcpState.SynSent or TcpState.TimeWait);
        End(reason);
    }

    /// <summary>What <see cref="TimeWaitTable"/> needs to answer in this connection's place.</summary>
    public TimeWaitEntry ToTimeWait() => new()
    {
        SendNext = _sendNext,
        ReceiveNext = _receiveNext,
        Window = _window.Advertise(_receiveNext, ReceiveRoom, _receiveScale, _segmentSize),
        TimestampRecent = _timestampsOn ? _paws.Latest : null,
        TimestampOffset = _timestampOffset,
    };

    private ICongestionControl NewCongestionControl(int segmentSize) =>
        _options.CongestionControl == CongestionControl.Bbr ? new Bbr(segmentSize, _timestampOffset) : new Cubic(segmentSize);

    // Enters CLOSED and returns the buffers. After an orderly end, received data that the input pipe has not taken yet is kept.
    private void End(TcpException? error)
    {
        if (State == TcpState.Closed)
        {
            return;
        }

        State = TcpState.Closed;
        Error = error;
        _send.Clear();
        _scoreboard.Clear();
        if (error is not null || DiscardsInput || !HasUndelivered)
        {
            _reassembly.Clear();
            _delivered = _receiveNext - (IsFinReceived ? 1u : 0);
        }

        _acknowledgeNow = false;
        StopTimers();
    }

    private void EnterTimeWait()
    {
        State = TcpState.TimeWait;
        StopTimers();
        _scoreboard.Clear();
        _send.Clear();
    }
}

/// <summary>What the connections of a layer share.</summary>
internal sealed record TcpEnvironment(TcpLayerOptions Options, ChunkPool Chunks, BufferBudget Budget, TcpStatistics Statistics);

/// <summary>What the layer decides for a new connection.</summary>
/// <param name="LocalPort">This end's port.</param>
/// <param name="RemotePort">The other end's port.</param>
/// <param name="SegmentSize">The MSS to announce: the largest payload of a segment without options that fits into one datagram.</param>
/// <param name="InitialSequence">The initial sequence number (RFC 6528).</param>
/// <param name="TimestampOffset">Hides the clock from the peer (RFC 7323, 5.4).</param>
internal readonly record struct TcpConnectionSetup(
    ushort LocalPort, ushort RemotePort, int SegmentSize, uint InitialSequence, uint TimestampOffset);
