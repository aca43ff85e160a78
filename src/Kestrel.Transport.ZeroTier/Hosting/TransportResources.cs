using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// What all connections of a host share: the memory pools, the schedulers, and the pipe options made from them. Made with the first connection or listener,
/// so that options are not read before the host starts.
/// </summary>
internal sealed class TransportResources : IDisposable
{
    private readonly Lazy<MemoryPool<byte>?> _ownPool;
    private readonly Lazy<ZeroTierConnectionOptions> _server;
    private readonly Lazy<ZeroTierConnectionOptions> _client;

    public TransportResources(IOptions<ZeroTierOptions> options, IServiceProvider services, ILoggerFactory loggerFactory)
    {
        // Kestrel's pool where Kestrel is, so that the blocks show up in its memory pool metrics (rule 7.2).
        _ownPool = new(() => services.GetService<IMemoryPoolFactory<byte>>()?.Create(new MemoryPoolOptions { Owner = "zerotier" }));
        ServerLogger = NonThrowingLogger.Create(loggerFactory, TransportLog.ServerCategory);
        ClientLogger = NonThrowingLogger.Create(loggerFactory, TransportLog.ClientCategory);
        _server = new(() => Build(options.Value.Transport, _ownPool.Value ?? ZeroTierConnectionOptions.Default.MemoryPool, ServerLogger));

        // Not Kestrel's: its pool gives idle blocks back only while the server's heartbeat ticks (rule 7.3), and a caller may outlive the server.
        _client = new(() => Build(options.Value.Transport, ZeroTierConnectionOptions.Default.MemoryPool, ClientLogger));
    }

    /// <summary>The pipes of accepted connections.</summary>
    public ZeroTierConnectionOptions Server => _server.Value;

    /// <summary>The pipes of outgoing connections.</summary>
    public ZeroTierConnectionOptions Client => _client.Value;

    /// <summary>The log of accepted connections.</summary>
    public ILogger ServerLogger { get; }

    /// <summary>The log of outgoing connections.</summary>
    public ILogger ClientLogger { get; }

    public void Dispose()
    {
        if (_ownPool.IsValueCreated)
        {
            _ownPool.Value?.Dispose();
        }
    }

    private static ZeroTierConnectionOptions Build(ZeroTierTransportOptions options, MemoryPool<byte> pool, ILogger logger) => new()
    {
        MemoryPool = pool,
        MaxReadBufferSize = options.MaxReadBufferSize ?? 0,
        MaxWriteBufferSize = options.MaxWriteBufferSize ?? 0,
        Backlog = options.Backlog,
        ApplicationScheduler = options.UnsafePreferInlineScheduling ? PipeScheduler.Inline : PipeScheduler.ThreadPool,
        TransportScheduler = options.UnsafePreferInlineScheduling
            ? PipeScheduler.Inline
            : options.IOQueueCount == 0 ? PipeScheduler.ThreadPool : new IOQueues(options.IOQueueCount, logger),
        Observer = new FlowLog(logger),
    };
}
