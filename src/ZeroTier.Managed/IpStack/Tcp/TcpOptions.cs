using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>How one connection behaves. Read when the connection is made.</summary>
internal sealed record TcpSocketOptions
{
    public static TcpSocketOptions Default { get; } = new();

    /// <summary>Between the stack (writer) and the application (reader). Its pause threshold closes the receive window.</summary>
    public PipeOptions Input { get; init; } = new(
        pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19, useSynchronizationContext: false);

    /// <summary>Between the application (writer) and the stack (reader).</summary>
    public PipeOptions Output { get; init; } = new(
        pauseWriterThreshold: 1 << 16, resumeWriterThreshold: 1 << 15, useSynchronizationContext: false);

    /// <summary>Observes the connection's flow control. Null for none.</summary>
    public ITcpSocketObserver? Observer { get; init; }

    /// <summary>
    /// What the application's ends of the pipes throw instead of the error itself: <see cref="TcpSocket.Input"/> and
    /// <see cref="TcpSocket.Output"/> are completed with the result. Null for the error itself.
    /// </summary>
    public Func<TcpException, Exception>? TranslateError { get; init; }

    /// <summary>Receive window at first, in bytes, 2 KiB to 1 GiB.</summary>
    public int ReceiveWindow { get; init; } = 1 << 20;

    /// <summary>
    /// What the receive window grows to when the path needs it and the application reads as fast; no effect when less than
    /// <see cref="ReceiveWindow"/>. Received memory is bounded by this plus the input pipe's limit.
    /// </summary>
    public int MaxReceiveWindow { get; init; } = 16 << 20;

    /// <summary>
    /// Most unacknowledged and unsent bytes that the stack itself holds, beyond the output pipe; at least 128 KiB. The limit in force
    /// follows the congestion window and the peer's.
    /// </summary>
    public int MaxSendBuffer { get; init; } = 32 << 20;

    /// <summary>What decides how much may be in flight.</summary>
    public CongestionControl CongestionControl { get; init; }

    /// <summary>Offer timestamps (RFC 7323): 12 bytes of every segment for protection against wrapped sequence numbers.</summary>
    public bool Timestamps { get; init; } = true;

    /// <summary>Offer selective acknowledgements (RFC 2018).</summary>
    public bool SelectiveAck { get; init; } = true;

    /// <summary>Give up when data or FIN stay unacknowledged for this long (RFC 9293, 3.8.3: at least 100 s).</summary>
    public TimeSpan UserTimeout { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>Give up connecting after this long.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Probe a connection that was silent for this long (RFC 1122, 4.2.3.6). Zero, the default, for never.</summary>
    public TimeSpan KeepAliveTime { get; init; }

    /// <summary>Between keep-alive probes.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Unanswered keep-alive probes after which the connection has timed out.</summary>
    public int KeepAliveProbes { get; init; } = 6;
}

/// <summary>How a listener behaves.</summary>
internal sealed record TcpListenOptions
{
    public static TcpListenOptions Default { get; } = new();

    /// <summary>For each accepted connection.</summary>
    public TcpSocketOptions Socket { get; init; } = TcpSocketOptions.Default;

    /// <summary>
    /// Completed handshakes that wait to be accepted, and half-open ones, each. Beyond the first SYNs are dropped, beyond the second
    /// answered without state.
    /// </summary>
    public int Backlog { get; init; } = 512;
}

/// <summary>How the whole layer behaves.</summary>
internal sealed record TcpLayerOptions
{
    public static TcpLayerOptions Default { get; } = new();

    /// <summary>Runs what completes accepts, connects and end-of-connection tasks. Inline makes a simulation run on one thread.</summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Half-open connections of all listeners together. Beyond it SYNs are answered without state.</summary>
    public int MaxHalfOpen { get; init; } = 1024;

    /// <summary>Connections of all kinds, TIME-WAIT not counted. Beyond it SYNs are dropped and connects refused.</summary>
    public int MaxConnections { get; init; } = 65536;

    /// <summary>How long a closed connection's addresses stay reserved (2 MSL; RFC 9293 suggests 4 minutes, Linux uses 60 s).</summary>
    public TimeSpan TimeWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Entries in TIME-WAIT. Beyond it the oldest is forgotten.</summary>
    public int MaxTimeWait { get; init; } = 8192;

    /// <summary>
    /// How long a connection that the application has closed waits for the peer's FIN, acknowledging and discarding what still comes.
    /// </summary>
    public TimeSpan FinWaitTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Memory bound of all connections, shared by the layers of a node; not disposed of by them. Null for no bound.</summary>
    public BufferBudget? Budget { get; init; }

    /// <summary>Bytes of out-of-order data that all connections together may hold.</summary>
    public long MaxOutOfOrderBytes { get; init; } = 64L << 20;
}

/// <summary>
/// Observes a connection's flow control. Called from the stack's threads without locks; must return quickly and not throw.
/// </summary>
internal interface ITcpSocketObserver
{
    /// <summary>Unread input reached its limit: the window stops opening.</summary>
    void OnPaused(TcpSocket socket);

    /// <summary>The application has read: the window opens again.</summary>
    void OnResumed(TcpSocket socket);

    void OnFinReceived(TcpSocket socket);

    void OnResetReceived(TcpSocket socket);

    /// <summary>FIN was queued behind the last byte.</summary>
    void OnFinSent(TcpSocket socket);

    void OnResetSent(TcpSocket socket, TcpException reason);
}
