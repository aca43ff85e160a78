using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Hosting;

/// <summary>Memory, queues and threads of connections.</summary>
public sealed class ZeroTierTransportOptions
{
    /// <summary>
    /// Received bytes that the application has not read at which the TCP window closes; null or 0 means no limit, which lets a peer fill
    /// the memory. Default 1 MiB.
    /// </summary>
    public long? MaxReadBufferSize { get; set; } = 1024 * 1024;

    /// <summary>Bytes written but not yet taken for sending at which writes wait; null or 0 means no limit. Default 64 KiB.</summary>
    public long? MaxWriteBufferSize { get; set; } = 64 * 1024;

    /// <summary>
    /// Bytes of memory that all connections of the node may hold together, in both directions, with 16 KiB for each connection itself; 1
    /// MiB or more. Once they are used up, new connections are refused, and the largest of those that hold much and do not move are reset;
    /// logged and counted. libzt ignores it. Default: null, a quarter of the memory that the process may use.
    /// </summary>
    public long? MaxTotalBufferSize { get; set; }

    /// <summary>
    /// How long connecting to another node may take, more than 0, a day at most; then it fails with the reason that is known. Default 10
    /// seconds. Waiting for this node's own network counts.
    /// </summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Handshaken connections that wait to be accepted, per endpoint, 1 to 65535; further ones are dropped and counted. libzt holds 127
    /// more below that and does not count. Default 512.
    /// </summary>
    public int Backlog { get; set; } = 512;

    /// <summary>
    /// Queues that run the transport's continuations, 0 to 1024; 0 runs them on the thread pool directly; libzt has one thread of its own
    /// for them. Default: the cores, 16 at most, as the sockets transport of Kestrel.
    /// </summary>
    public int IOQueueCount { get; set; } = Math.Min(Environment.ProcessorCount, 16);

    /// <summary>
    /// Runs the application's continuations on the transport's threads. A handler that blocks then stops other connections. Default false.
    /// </summary>
    public bool UnsafePreferInlineScheduling { get; set; }

    /// <summary>The form in which an engine takes them.</summary>
    /// <param name="pool">Where pipe blocks come from.</param>
    /// <param name="logger">The log of the connections.</param>
    internal ZeroTierConnectionOptions ToConnectionOptions(MemoryPool<byte> pool, ILogger logger) => new()
    {
        MemoryPool = pool,
        MaxReadBufferSize = MaxReadBufferSize ?? 0,
        MaxWriteBufferSize = MaxWriteBufferSize ?? 0,
        ConnectTimeout = ConnectTimeout,
        Backlog = Backlog,
        ApplicationScheduler = UnsafePreferInlineScheduling ? PipeScheduler.Inline : PipeScheduler.ThreadPool,
        TransportScheduler = UnsafePreferInlineScheduling
            ? PipeScheduler.Inline
            : IOQueueCount == 0 ? PipeScheduler.ThreadPool : new IOQueues(IOQueueCount, logger),
        Observer = new FlowLog(logger),
    };
}
