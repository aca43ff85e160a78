using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Hosting;

/// <summary>Buffers, queues and scheduling of connections.</summary>
public sealed class ZeroTierTransportOptions
{
    /// <summary>
    /// The number of received bytes not yet read by the application at which the TCP window closes. Null or 0 means no limit, which lets a
    /// peer exhaust the memory. Default 1 MiB.
    /// </summary>
    public long? MaxReadBufferSize { get; set; } = 1024 * 1024;

    /// <summary>
    /// The number of bytes written but not yet taken for sending at which writes wait. Null or 0 means no limit. Default 64 KiB.
    /// </summary>
    public long? MaxWriteBufferSize { get; set; } = 64 * 1024;

    /// <summary>
    /// The total memory in bytes that all connections of the node may hold, in both directions, including 16 KiB per connection; 1 MiB or
    /// more. When it is exhausted, new connections are refused, and the largest of the connections that hold much memory without making
    /// progress are reset; this is logged and counted. Ignored by libzt. Default: null, a quarter of the memory that the process may use.
    /// </summary>
    public long? MaxTotalBufferSize { get; set; }

    /// <summary>
    /// How long connecting to another node may take, more than 0, a day at most; after that it fails with the likely reason. Includes
    /// waiting for this node's own network. Default 10 seconds.
    /// </summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Established connections that may wait to be accepted, per endpoint, 1 to 65535; further ones are dropped and counted. libzt has an
    /// additional queue of 127 of its own and does not count. Default 512.
    /// </summary>
    public int Backlog { get; set; } = 512;

    /// <summary>
    /// The number of queues that run the transport's continuations, 0 to 1024; 0 runs them on the thread pool directly. libzt uses one
    /// thread of its own instead. Default: the number of processors, at most 16, as in Kestrel's sockets transport.
    /// </summary>
    public int IOQueueCount { get; set; } = Math.Min(Environment.ProcessorCount, 16);

    /// <summary>
    /// Runs the application's continuations on the transport's threads. A handler that blocks then stalls other connections. Default false.
    /// </summary>
    public bool UnsafePreferInlineScheduling { get; set; }

    /// <summary>Converts to the options that engines use.</summary>
    /// <param name="pool">The pool of pipe blocks.</param>
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
