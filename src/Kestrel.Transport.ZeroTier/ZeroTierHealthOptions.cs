namespace Kestrel.Transport.ZeroTier;

/// <summary>When the health check is not content.</summary>
public sealed class ZeroTierHealthOptions
{
    /// <summary>Whether peers that are reached only through a root make the health check Degraded. Default false.</summary>
    public bool RequireDirect { get; set; }

    /// <summary>
    /// How long after the node went offline the health check says Degraded before it says Unhealthy, zero or more. Default 30 seconds: the
    /// node itself notices a change only after up to 30 seconds.
    /// </summary>
    public TimeSpan OfflineGracePeriod { get; set; } = TimeSpan.FromSeconds(30);
}
