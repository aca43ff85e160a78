using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Engines;

namespace ZeroTier.Hosting.Connections;

/// <summary>
/// The options of a host's outgoing connections. They are built with the first connection, so that the host's options are not read before
/// it starts.
/// </summary>
internal sealed class ClientConnections
{
    /// <summary>The category of outgoing connections, below that of accepted ones, so that one filter applies to both.</summary>
    public const string Category = "Microsoft.AspNetCore.Server.Kestrel.Transport.ZeroTier.Client";

    private readonly ZeroTierNode _node;
    private readonly Lazy<ZeroTierConnectionOptions> _options;

    public ClientConnections(ZeroTierNode node, IOptions<ZeroTierNodeOptions> options, ILoggerFactory loggerFactory)
    {
        _node = node;
        Logger = NonThrowingLogger.Create(loggerFactory, Category);

        // Not Kestrel's pool, which releases idle blocks only while the server's heartbeat runs (rule 7.3): outgoing connections may
        // outlive the server.
        _options = new(() => options.Value.Transport.ToConnectionOptions(ZeroTierConnectionOptions.Default.MemoryPool, Logger));
    }

    /// <summary>The pipes and the time limit.</summary>
    public ZeroTierConnectionOptions Options => _options.Value;

    /// <summary>The log.</summary>
    public ILogger Logger { get; }

    /// <summary>Creates an HTTP handler with its own connection pool. The caller disposes it, which does not affect the node.</summary>
    public ZeroTierHttpHandler CreateHandler() => new(_node, Options);

    /// <summary>Opens connections for another HTTP handler; for use as <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    public ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        _node.OpenStreamAsync(context.DnsEndPoint, Options, cancellationToken);
}
