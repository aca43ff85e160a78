using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Engines;

namespace ZeroTier.Hosting.Connections;

/// <summary>
/// How outgoing connections of a host are made. Their options are built with the first connection, so that those of the host are not read
/// before it starts.
/// </summary>
internal sealed class ClientConnections
{
    /// <summary>The log of outgoing connections; beside that of accepted ones, so that one filter is for both.</summary>
    public const string Category = "Microsoft.AspNetCore.Server.Kestrel.Transport.ZeroTier.Client";

    private readonly ZeroTierNode _node;
    private readonly Lazy<ZeroTierConnectionOptions> _options;

    public ClientConnections(ZeroTierNode node, IOptions<ZeroTierNodeOptions> options, ILoggerFactory loggerFactory)
    {
        _node = node;
        Logger = NonThrowingLogger.Create(loggerFactory, Category);

        // Not Kestrel's pool: it gives idle blocks back only while the server's heartbeat ticks (rule 7.3), and a caller may outlive the
        // server.
        _options = new(() => options.Value.Transport.ToConnectionOptions(ZeroTierConnectionOptions.Default.MemoryPool, Logger));
    }

    /// <summary>The pipes and the time limit.</summary>
    public ZeroTierConnectionOptions Options => _options.Value;

    /// <summary>The log.</summary>
    public ILogger Logger { get; }

    /// <summary>
    /// A handler of HTTP requests with a pool of its own; whoever asks for it disposes of it, which leaves the node alone.
    /// </summary>
    public ZeroTierHttpHandler CreateHandler() => new(_node, Options);

    /// <summary>Connects for a handler of somebody else's, as <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    public ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        _node.OpenStreamAsync(context.DnsEndPoint, Options, cancellationToken);
}
