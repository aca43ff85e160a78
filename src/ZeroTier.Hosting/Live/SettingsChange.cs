namespace ZeroTier.Hosting.Live;

/// <summary>A change of the section <c>ZeroTier</c> while the host runs.</summary>
/// <param name="Before">The options in use so far.</param>
/// <param name="Now">The new options; validated.</param>
/// <param name="Settings">The names of the settings that differ.</param>
internal sealed record SettingsChange(ZeroTierNodeOptions Before, ZeroTierNodeOptions Now, IReadOnlySet<string> Settings)
{
    /// <summary>The changed settings that only a restart applies. Determined again at every change.</summary>
    public SortedSet<string> ForRestart { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether something failed that may succeed later: the followers are then called again after a delay.</summary>
    public bool TryAgain { get; set; }
}
