using System.Buffers;
using System.IO.Pipelines;

namespace ZeroTier;

/// <summary>How connections are made and their pipes built. Read once per connection.</summary>
public sealed record ZeroTierConnectionOptions
{
    // Before Default, whose initializer reads it.
    private static readonly BlockPool _blocks = new();

    /// <summary>Shared defaults: unread input pauses at 1 MiB, unsent output at 64 KiB, continuations on the thread pool.</summary>
    public static ZeroTierConnectionOptions Default { get; } = new();

    /// <summary>
    /// Where pipe blocks come from. Never asked for more than 4096 bytes at once. Default: a pool of such blocks that all connections of
    /// the process share and that keeps at most 8 MiB of idle ones (<see cref="MemoryPool{T}.Shared"/> would allocate for each rental).
    /// </summary>
    public MemoryPool<byte> MemoryPool { get; init; } = _blocks;

    /// <summary>Unread received bytes at which the TCP window closes; it opens again at half. 0 means no limit. Default 1 MiB.</summary>
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

    /// <summary>Told about the flow of each connection, for logs. Null for nobody.</summary>
    public IZeroTierConnectionObserver? Observer { get; init; }

    /// <summary>
    /// Completed handshakes that wait to be accepted, and half-open ones, each 1 to 65535. When the first are as many, SYNs are dropped and
    /// counted. Default 512.
    /// </summary>
    public int Backlog { get; init; } = 512;

    /// <summary>
    /// How long connecting may take, more than zero, a day at most, or <see cref="Timeout.InfiniteTimeSpan"/> for as long as TCP tries
    /// (about a minute); then it fails with the reason that is known. Default 10 seconds.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A connection that was silent for this long is probed, and times out when nothing answers for about a minute; zero or more, zero for
    /// never. Default 60 seconds: when a process with a node in it dies, no kernel is left to reset its connections, so silence is all that
    /// the other end hears.
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

/// <summary>Hears of a connection's flow. Called from engine threads; must return quickly and not throw.</summary>
public interface IZeroTierConnectionObserver
{
    /// <summary>Unread input reached its limit: the window stops opening.</summary>
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
