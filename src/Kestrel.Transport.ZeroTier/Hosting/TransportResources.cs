using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Shared by all accepted connections: the memory pool, the schedulers, and the pipe options made from them. Created with the first
/// listener, so that options are not read before the host starts.
/// </summary>
internal sealed class TransportResources : IDisposable
{
    private readonly Lazy<MemoryPool<byte>?> _ownPool;
    private readonly Lazy<ZeroTierConnectionOptions> _server;

    public TransportResources(IOptions<ZeroTierOptions> options, IServiceProvider services, ILoggerFactory loggerFactory)
    {
        // Kestrel's pool factory where there is one, so that the blocks appear in Kestrel's memory pool metrics (rule 7.2).
        _ownPool = new(() => services.GetService<IMemoryPoolFactory<byte>>()?.Create(new MemoryPoolOptions { Owner = "zerotier" }));
        ServerLogger = NonThrowingLogger.Create(loggerFactory, TransportLog.ServerCategory);
        _server = new(
            () => options.Value.Transport.ToConnectionOptions(
                _ownPool.Value ?? ZeroTierConnectionOptions.Default.MemoryPool, ServerLogger));
    }

    /// <summary>The options of accepted connections.</summary>
    public ZeroTierConnectionOptions Server => _server.Value;

    /// <summary>The log of accepted connections.</summary>
    public ILogger ServerLogger { get; }

    public void Dispose()
    {
        if (_ownPool.IsValueCreated)
        {
            _ownPool.Value?.Dispose();
        }
    }
}
