using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier.Engines;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// Ties the node to the host's lifecycle: it starts before every ordinary service and stops after the last one, so it outlives what uses
/// it, and a server's drain, on every kind of host (docs/transport-contract.md rules 8.1, 8.2).
/// </summary>
internal sealed class NodeService(NodeHost node, NodeMetrics metrics, ILoggerFactory loggerFactory) : IHostedLifecycleService
{
    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);
    private bool _saidWhy;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (node.LeftOut is { } reason)
        {
            if (!_saidWhy)
            {
                _saidWhy = true;
                NodeLog.NodeLeftOut(_logger, reason);
            }

            return Task.CompletedTask;
        }

        metrics.Observe(node);
        return node.EnsureStartedAsync(cancellationToken);
    }

    /// <summary>Hosts without lifecycle services call only this method.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => StartingAsync(cancellationToken);

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => node.CloseAsync(cancellationToken);
}
