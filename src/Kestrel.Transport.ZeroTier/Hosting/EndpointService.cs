using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Creates the endpoint metrics, and warns, once the servers of the host have bound their endpoints, about configured endpoints that were
/// never bound (rule 4.7).
/// </summary>
internal sealed class EndpointService(
    NodeHost node,
    ListenerRegistry listeners,
    EndpointMetrics metrics,
    IOptions<ZeroTierOptions> options,
    ILoggerFactory loggerFactory) : IHostedLifecycleService
{
    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (node.LeftOut is null)
        {
            metrics.Observe();
        }

        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (listeners.MissingEndPoints(options.Value) is { } reason)
        {
            TransportLog.EndPointsNotBound(_logger, reason);
        }

        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
