using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Whether only a new start can help (rule 8.6): the node has failed. Whatever may come back by itself, such as roots that do not answer, is a matter of
/// <see cref="ReadinessCheck"/>: as a liveness probe it would restart every app in an outage.
/// </summary>
internal sealed class LivenessCheck(NodeHost node) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var state = node.State;
        var data = new Dictionary<string, object> { ["state"] = state.ToString() };
        return Task.FromResult(state == ZeroTierNodeState.Failed
            ? new HealthCheckResult(context.Registration.FailureStatus, $"The node has failed: {node.FatalError?.Message}", node.FatalError, data)
            : HealthCheckResult.Healthy(data: data));
    }
}
