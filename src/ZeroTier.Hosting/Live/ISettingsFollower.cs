namespace ZeroTier.Hosting.Live;

/// <summary>A part of the host that takes changed settings into use while it runs.</summary>
internal interface ISettingsFollower
{
    /// <summary>The settings that it follows; what nobody follows needs a restart.</summary>
    IReadOnlyCollection<string> Settings { get; }

    /// <summary>
    /// Takes a change into use. Changes come one after the other, and one again where <see cref="SettingsChange.TryAgain"/> was set.
    /// </summary>
    ValueTask FollowAsync(SettingsChange change, CancellationToken cancellationToken);
}
