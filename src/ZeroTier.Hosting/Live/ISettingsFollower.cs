namespace ZeroTier.Hosting.Live;

/// <summary>A part of the host that applies changed settings at run time.</summary>
internal interface ISettingsFollower
{
    /// <summary>The settings that it applies; those that no follower applies need a restart.</summary>
    IReadOnlyCollection<string> Settings { get; }

    /// <summary>
    /// Applies a change. Called for one change at a time, and again for the same one if <see cref="SettingsChange.TryAgain"/> was set.
    /// </summary>
    ValueTask FollowAsync(SettingsChange change, CancellationToken cancellationToken);
}
