using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The health of the ZeroTier node.</summary>
public static class ZeroTierHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a health check that is Healthy only when the node is online, every configured network is ready, and every ZeroTier endpoint accepts;
    /// Degraded shortly after the node went offline, or when peers are relayed although direct paths are required; else <paramref name="failureStatus"/>.
    /// </summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What to report instead of Unhealthy.</param>
    /// <param name="tags">Tags for filters.</param>
    public static IHealthChecksBuilder AddZeroTier(
        this IHealthChecksBuilder builder, string name = "zerotier", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddZeroTier();
        return builder.Add(new HealthCheckRegistration(name, static provider => ActivatorUtilities.CreateInstance<ZeroTierHealthCheck>(provider), failureStatus, tags));
    }
}
