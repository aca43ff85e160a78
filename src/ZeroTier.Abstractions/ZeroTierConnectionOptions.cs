using System.Buffers;
using System.IO.Pipelines;

namespace ZeroTier;

/// <summary>Options of connections and their pipes. Read once per connection.</summary>
public sealed record ZeroTierConnectionOptions
{
    // Declared before Default, whose initializer reads it.
    private static readonly BlockPool _blocks = new();

    /// <summary>Shared defaults: unread input pauses at 1 MiB, unsent output at 64 KiB, continuations on the thread pool.</summary>
    public static ZeroTierConnectionOptions Default { get; } = new();

    /// <summary>
    /// The pool of pipe blocks. Never asked for more than 4096 bytes at once. Default: a pool of such blocks that all connections of the
    /// process share and that keeps at most 8 MiB of idle ones (<see cref="MemoryPool{T}.Shared"/> would allocate for each rental).
    /// </summary>
    public MemoryPool<byte> MemoryPool { get; init; } = _blocks;

    /// <summary>
    /// Received bytes not yet read by the application at which the TCP window closes; it opens again at half. 0 means no limit. Default 1
    /// MiB.
    /// </summary>
    public long MaxReadBufferSize { get; init; } = 1024 * 1024;

    /// <summary>
    /// Bytes written but not yet taken by the engine at which flushes wait; they go on at half. 0 means no limit. Default 64 KiB.
    /// </summary>
    public long MaxWriteBufferSize { get; init; } = 64 * 1024;

    /// <summary>
    /// Runs the application's continuations. Default: the thread pool. The thread that drives the stack never runs them unless this is
    /// inline.
    /// </summary>
    public PipeScheduler ApplicationScheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Runs the engine's continuations, such as taking written bytes. Default: the thread pool.</summary>
    public PipeScheduler TransportScheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Notified of flow control, FIN and RST of each connection, for logs. Null for none.</summary>
    public IZeroTierConnectionObserver? Observer { get; init; }

    /// <summary>
    /// The limit, 1 to 65535, of established connections that wait to be accepted, and separately of half-open ones. While the accept queue
    /// is full, SYNs are dropped and counted. Default 512.
    /// </summary>
    public int Backlog { get; init; } = 512;

    /// <summary>
    /// How long connecting may take, more than zero, a day at most, or <see cref="Timeout.InfiniteTimeSpan"/> for as long as TCP tries
    /// (about a minute); after that it fails with the likely reason. Default 10 seconds.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// TCP keep-alive: a connection idle for this long is probed, and times out when the probes stay unanswered for about a minute. Zero or
    /// more; zero disables it. Default 60 seconds: when a process with a node dies, no kernel resets its connections, so the peer can only
    /// detect it by silence.
    /// </summary>
    public TimeSpan KeepAliveTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The input pipe's options.</summary>
    public PipeOptions InputPipeOptions => new(
        MemoryPool, ApplicationScheduler, TransportScheduler, MaxReadBufferSize, Half(MaxReadBufferSize), useSynchronizationContext: false);

    /// <summary>The output pipe's options.</summary>
    public PipeOptions OutputPipeOptions => new(
        MemoryPool,
        TransportScheduler,
        ApplicationScheduler,
        MaxWriteBufferSize,
        Half(MaxWriteBufferSize),
        useSynchronizationContext: false);

    private static long Half(long limit) => limit == 0 ? 0 : Math.Max(1, limit / 2);
}

/// <summary>Observes flow control, FIN and RST of connections. Called on engine threads; must return quickly and must not throw.</summary>
public interface IZeroTierConnectionObserver
{
    /// <summary>Unread input reached its limit: the receive window is no longer opened.</summary>
    void OnPaused(ZeroTierConnection connection);

    /// <summary>The application has read: the window opens again.</summary>
    void OnResumed(ZeroTierConnection connection);

    /// <summary>The peer's FIN arrived.</summary>
    void OnFinReceived(ZeroTierConnection connection);

    /// <summary>The peer's RST arrived.</summary>
    void OnResetReceived(ZeroTierConnection connection);

    /// <summary>FIN was queued behind the last byte.</summary>
    void OnFinSent(ZeroTierConnection connection);

    /// <summary>RST was sent.</summary>
    void OnResetSent(ZeroTierConnection connection, ZeroTierException reason);
}
