using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Options of one connection. Read when the connection is created.</summary>
internal sealed record TcpSocketOptions
{
    public static TcpSocketOptions Default { get; } = new();

    /// <summary>
    /// Pipe from the stack (writer) to the application (reader). Unread bytes beyond its pause threshold close the receive window.
    /// </summary>
    public PipeOptions Input { get; init; } = new(
        pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19, useSynchronizationContext: false);

    /// <summary>Pipe from the application (writer) to the stack (reader).</summary>
    public PipeOptions Output { get; init; } = new(
        pauseWriterThreshold: 1 << 16, resumeWriterThreshold: 1 << 15, useSynchronizationContext: false);

    /// <summary>Observes the connection's flow control. Null for none.</summary>
    public ITcpSocketObserver? Observer { get; init; }

    /// <summary>
    /// Maps a connection's error to the exception with which <see cref="TcpSocket.Input"/> and <see cref="TcpSocket.Output"/> are
    /// completed, and which the application therefore sees. Null for the error itself.
    /// </summary>
    public Func<TcpException, Exception>? TranslateError { get; init; }

    /// <summary>Initial receive window in bytes, 2 KiB to 1 GiB.</summary>
    public int ReceiveWindow { get; init; } = 1 << 20;

    /// <summary>
    /// Largest receive window in bytes. The window grows with the path's bandwidth-delay product, as far as the application reads at that
    /// rate. No effect when less than <see cref="ReceiveWindow"/>. Received data in memory is bounded by this plus the input pipe's limit.
    /// </summary>
    public int MaxReceiveWindow { get; init; } = 32 << 20;

    /// <summary>
    /// Most unacknowledged and unsent bytes that the stack itself holds, besides the output pipe; at least 128 KiB. The limit in force
    /// follows the congestion window and the peer's receive window.
    /// </summary>
    public int MaxSendBuffer { get; init; } = 32 << 20;

    /// <summary>The congestion control algorithm.</summary>
    public CongestionControl CongestionControl { get; init; }

    /// <summary>
    /// Offer timestamps (RFC 7323): they cost 12 bytes in every segment and protect against wrapped sequence numbers.
    /// </summary>
    public bool Timestamps { get; init; } = true;

    /// <summary>Offer selective acknowledgements (RFC 2018).</summary>
    public bool SelectiveAck { get; init; } = true;

    /// <summary>Give up when data or FIN stay unacknowledged for this long (RFC 9293, 3.8.3: at least 100 s).</summary>
    public TimeSpan UserTimeout { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>Give up connecting after this long.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Probe a connection that was silent for this long, an eighth longer at the end that opened it (RFC 1122, 4.2.3.6). Zero, the default,
    /// for never.
    /// </summary>
    public TimeSpan KeepAliveTime { get; init; }

    /// <summary>Between keep-alive probes.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Unanswered keep-alive probes after which the connection has timed out.</summary>
    public int KeepAliveProbes { get; init; } = 6;
}

/// <summary>Options of a listener.</summary>
internal sealed record TcpListenOptions
{
    public static TcpListenOptions Default { get; } = new();

    /// <summary>The options of accepted connections.</summary>
    public TcpSocketOptions Socket { get; init; } = TcpSocketOptions.Default;

    /// <summary>
    /// Limit of the accept queue (completed handshakes not yet accepted) and, separately, of half-open connections. When the accept queue
    /// is full, SYNs are dropped; at the limit of half-open connections they are answered with SYN cookies.
    /// </summary>
    public int Backlog { get; init; } = 512;
}

/// <summary>Options of the whole TCP layer.</summary>
internal sealed record TcpLayerOptions
{
    public static TcpLayerOptions Default { get; } = new();

    /// <summary>Runs what completes accepts, connects and end-of-connection tasks. Inline makes a simulation run on one thread.</summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Most half-open connections of all listeners together. Beyond it SYNs are answered with SYN cookies.</summary>
    public int MaxHalfOpen { get; init; } = 1024;

    /// <summary>
    /// Most connections in all states but TIME-WAIT. Beyond it SYNs are dropped and connects fail. The memory budget usually allows fewer.
    /// </summary>
    public int MaxConnections { get; init; } = 1 << 20;

    /// <summary>How long a closed connection's addresses stay reserved (2 MSL; RFC 9293 suggests 4 minutes, Linux uses 60 s).</summary>
    public TimeSpan TimeWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most entries in TIME-WAIT. Beyond it the oldest is removed.</summary>
    public int MaxTimeWait { get; init; } = 8192;

    /// <summary>
    /// How long a connection that the application has closed waits for the peer's FIN, acknowledging and discarding what still comes.
    /// </summary>
    public TimeSpan FinWaitTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Tells which of the node's stacks have something to do at the end of a batch; shared by them. Null when the layer's owner calls
    /// <see cref="TcpLayer.EndOfBatch"/> after every batch.
    /// </summary>
    public BatchQueue? Batches { get; init; }

    /// <summary>Memory limit of all connections, shared by the stacks of a node, which do not dispose of it. Null for no limit.</summary>
    public BufferBudget? Budget { get; init; }

    /// <summary>Most bytes of out-of-order data that all connections together may hold.</summary>
    public long MaxOutOfOrderBytes { get; init; } = 64L << 20;
}

/// <summary>
/// Observes a connection's flow control. Called from the stack's threads without locks; must return quickly and not throw.
/// </summary>
internal interface ITcpSocketObserver
{
    /// <summary>Unread input has reached the pause threshold: the receive window no longer opens.</summary>
    void OnPaused(TcpSocket socket);

    /// <summary>The application has read below the resume threshold: the receive window opens again.</summary>
    void OnResumed(TcpSocket socket);

    void OnFinReceived(TcpSocket socket);

    void OnResetReceived(TcpSocket socket);

    /// <summary>FIN was queued behind the last byte.</summary>
    void OnFinSent(TcpSocket socket);

    void OnResetSent(TcpSocket socket, TcpException reason);
}
