using Kestrel.Transport.ZeroTier.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The health of the ZeroTier node.</summary>
public static class ZeroTierHealthChecksBuilderExtensions
{
    private const string ReadyTag = "ready";
    private const string LiveTag = "live";

    /// <summary>
    /// Adds two health checks. <paramref name="name"/>, with the tag <c>ready</c>: Healthy only when the node is online, every configured
    /// network is ready, and every ZeroTier endpoint accepts; Degraded shortly after the node went offline, for as long as peers are still
    /// reached directly, or when peers are relayed although direct paths are required. <paramref name="name"/> with the ending
    /// <c>-live</c>, with the tag <c>live</c>: Healthy unless the node has failed, so that a probe restarts the app only where that helps.
    /// In all other cases each reports <paramref name="failureStatus"/>.
    /// </summary>
    /// <remarks>
    /// <c>app.MapHealthChecks("/livez", new() { Predicate = check => check.Tags.Contains("live") })</c>, and <c>/readyz</c> likewise with
    /// <c>ready</c>.
    /// </remarks>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The name of the first check.</param>
    /// <param name="failureStatus">What to report instead of Unhealthy.</param>
    /// <param name="tags">Further tags, on both checks.</param>
    public static IHealthChecksBuilder AddZeroTier(
        this IHealthChecksBuilder builder, string name = "zerotier", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddZeroTierTransport();
        string[] more = [.. tags ?? []];
        return builder
            .Add(
                new HealthCheckRegistration(
                    name,
                    static provider => ActivatorUtilities.CreateInstance<ReadinessCheck>(provider),
                    failureStatus,
                    [ReadyTag, .. more]))
            .Add(new HealthCheckRegistration(
                name + "-live",
                static provider => ActivatorUtilities.CreateInstance<LivenessCheck>(provider),
                failureStatus,
                [LiveTag, .. more]));
    }
}
