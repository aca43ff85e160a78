using Microsoft.Extensions.Logging;
using ZeroTier.Engines;

namespace ZeroTier.Hosting.Live;

/// <summary>
/// Joins the networks that are new in <c>ZeroTier:Networks</c>, and leaves those that are no longer there. Networks that the application joined itself stay.
/// </summary>
internal sealed class NetworksFollower(NodeHost node, ILoggerFactory loggerFactory) : ISettingsFollower
{
    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);

    public IReadOnlyCollection<string> Settings { get; } = [nameof(ZeroTierNodeOptions.Networks)];

    public async ValueTask FollowAsync(SettingsChange change, CancellationToken cancellationToken)
    {
        NetworkId[] before = [.. change.Before.Networks.Select(NetworkId.Parse)];
        NetworkId[] now = [.. change.Now.Networks.Select(NetworkId.Parse)];
        foreach (var network in now.Except(before))
        {
            await TryAsync(network, node.JoinAsync(network, cancellationToken)).ConfigureAwait(false);
        }

        foreach (var network in before.Except(now))
        {
            await TryAsync(network, node.LeaveAsync(network, cancellationToken)).ConfigureAwait(false);
        }
    }

    private async Task TryAsync(NetworkId network, Task change)
    {
        try
        {
            await change.ConfigureAwait(false);
        }
        catch (ZeroTierException exception)
        {
            NodeLog.NetworkNotChanged(_logger, network, exception.Message);
        }
    }
}
