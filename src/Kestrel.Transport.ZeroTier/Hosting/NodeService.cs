using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Ties the node to the host's lifecycle: it starts before every ordinary service and stops after the last one, so it outlives the server's drain on every kind
/// of host (rules 8.1, 8.2).
/// </summary>
internal sealed class NodeService(
    NodeHost node, ListenerRegistry listeners, NodeMetrics metrics, IOptions<ZeroTierOptions> options, ILoggerFactory loggerFactory) : IHostedLifecycleService
{
    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, TransportLog.HostCategory);
    private bool _saidWhy;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (node.LeftOut is { } reason)
        {
            if (!_saidWhy)
            {
                _saidWhy = true;
                TransportLog.NodeLeftOut(_logger, reason);
            }

            return Task.CompletedTask;
        }

        metrics.Observe(node);
        return node.EnsureStartedAsync(cancellationToken);
    }

    /// <summary>Hosts without lifecycle services call only this method.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => StartingAsync(cancellationToken);

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        // By now every server of the host has bound its endpoints (rule 4.7).
        if (listeners.MissingEndPoints(options.Value) is { } reason)
        {
            TransportLog.EndPointsNotBound(_logger, reason);
        }

        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => node.CloseAsync(cancellationToken);
}
