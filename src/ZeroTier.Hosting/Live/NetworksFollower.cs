using Microsoft.Extensions.Logging;
using ZeroTier.Engines;

namespace ZeroTier.Hosting.Live;

/// <summary>
/// Joins networks that were added to <c>ZeroTier:Networks</c> and leaves those that were removed. Networks that the application joined
/// itself are not left. Failures are retried.
/// </summary>
internal sealed class NetworksFollower(NodeHost node, ILoggerFactory loggerFactory) : ISettingsFollower
{
    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);

    // The networks joined because of the configuration (_joined), and those whose failure was already logged (_said).
    private readonly HashSet<NetworkId> _said = [];
    private HashSet<NetworkId>? _joined;

    public IReadOnlyCollection<string> Settings { get; } = [nameof(ZeroTierNodeOptions.Networks)];

    public async ValueTask FollowAsync(SettingsChange change, CancellationToken cancellationToken)
    {
        var joined = _joined ??= [.. change.Before.Networks.Select(NetworkId.Parse)];
        NetworkId[] now = [.. change.Now.Networks.Select(NetworkId.Parse)];
        _said.RemoveWhere(network => now.Contains(network) == joined.Contains(network));
        foreach (var network in now.Except(joined).ToArray())
        {
            if (await TryAsync(network, node.JoinAsync(network, cancellationToken)).ConfigureAwait(false))
            {
                joined.Add(network);
            }
        }

        foreach (var network in joined.Except(now).ToArray())
        {
            if (await TryAsync(network, node.LeaveAsync(network, cancellationToken)).ConfigureAwait(false))
            {
                joined.Remove(network);
            }
        }

        change.TryAgain |= !joined.SetEquals(now);
    }

    private async Task<bool> TryAsync(NetworkId network, Task change)
    {
        try
        {
            await change.ConfigureAwait(false);
        }
        catch (ZeroTierException exception)
        {
            if (_said.Add(network))
            {
                NodeLog.NetworkNotChanged(_logger, network, exception.Message, (int)SettingsWatch.RetryInterval.TotalSeconds);
            }

            return false;
        }

        if (_said.Remove(network))
        {
            NodeLog.NetworkChanged(_logger, network);
        }

        return true;
    }
}
