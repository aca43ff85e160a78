namespace ZeroTier.Hosting.Live;

/// <summary>A change of the section <c>ZeroTier</c> while the host runs.</summary>
/// <param name="Before">The options until now.</param>
/// <param name="Now">The options from now on; checked.</param>
/// <param name="Settings">The names of the settings that differ.</param>
internal sealed record SettingsChange(ZeroTierNodeOptions Before, ZeroTierNodeOptions Now, IReadOnlySet<string> Settings)
{
    /// <summary>The settings that only a restart brings into use, named at every change as long as that holds.</summary>
    public SortedSet<string> ForRestart { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether something failed that may succeed later: the followers are then called again, if nothing else changes.</summary>
    public bool TryAgain { get; set; }
}
