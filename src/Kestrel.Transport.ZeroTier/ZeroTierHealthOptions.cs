namespace Kestrel.Transport.ZeroTier;

/// <summary>What makes the readiness health check report Degraded or Unhealthy.</summary>
public sealed class ZeroTierHealthOptions
{
    /// <summary>Whether peers that are reached only through a root make the health check Degraded. Default false.</summary>
    public bool RequireDirect { get; set; }

    /// <summary>
    /// How long the health check reports Degraded after the node went offline, before it reports Unhealthy: 0 to 1 day. Default 30 seconds:
    /// the node itself detects a change only after up to 30 seconds.
    /// </summary>
    public TimeSpan OfflineGracePeriod { get; set; } = TimeSpan.FromSeconds(30);
}
