namespace ZeroTier.Hosting.Live;

/// <summary>Applies changed names of <c>ZeroTier:Hosts</c>; open connections are not affected.</summary>
internal sealed class HostsFollower(NodeHost node) : ISettingsFollower
{
    public IReadOnlyCollection<string> Settings { get; } = [nameof(ZeroTierNodeOptions.Hosts)];

    public ValueTask FollowAsync(SettingsChange change, CancellationToken cancellationToken)
    {
        if (change.Settings.Contains(nameof(ZeroTierNodeOptions.Hosts)))
        {
            node.Hosts.Replace(change.Now.Hosts);
        }

        return ValueTask.CompletedTask;
    }
}
