namespace ZeroTier.Hosting.Live;

/// <summary>Starts and ends the packet capture when <c>ZeroTier:CapturePath</c> changes.</summary>
internal sealed class CaptureFollower(NodeHost node) : ISettingsFollower
{
    public IReadOnlyCollection<string> Settings { get; } =
    [
        nameof(ZeroTierNodeOptions.CapturePath),
        nameof(ZeroTierNodeOptions.MaxCaptureSize),
    ];

    public ValueTask FollowAsync(SettingsChange change, CancellationToken cancellationToken) => Settings.Any(change.Settings.Contains)
        ? node.CaptureAsync(change.Now, cancellationToken)
        : ValueTask.CompletedTask;
}
