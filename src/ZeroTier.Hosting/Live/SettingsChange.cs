namespace ZeroTier.Hosting.Live;

/// <summary>A change of the section <c>ZeroTier</c> while the host runs.</summary>
/// <param name="Before">The options until now.</param>
/// <param name="Now">The options from now on; checked.</param>
/// <param name="Settings">The names of the settings that differ.</param>
internal sealed record SettingsChange(ZeroTierNodeOptions Before, ZeroTierNodeOptions Now, IReadOnlySet<string> Settings)
{
    /// <summary>The settings whose change only a restart brings into use.</summary>
    public SortedSet<string> ForRestart { get; } = new(StringComparer.OrdinalIgnoreCase);
}
