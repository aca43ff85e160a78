using Microsoft.Extensions.Logging;
using ZeroTier.Engines;

namespace ZeroTier.Hosting.Live;

/// <summary>
/// Joins the networks that are new in <c>ZeroTier:Networks</c>, and leaves those that are no longer there. Networks that the application
/// joined itself stay. What fails is tried again.
/// </summary>
internal sealed class NetworksFollower(NodeHost node, ILoggerFactory loggerFactory) : ISettingsFollower
{
    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);

    // What the configuration has had joined so far, and what of it was said to fail.
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
