using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Health;

/// <summary>
/// Unhealthy only when the node has failed, which only a restart can repair (rule 8.6). Conditions that may recover, such as roots that do
/// not answer, belong to <see cref="ReadinessCheck"/>: in a liveness check they would restart every app during an outage.
/// </summary>
internal sealed class LivenessCheck(NodeHost node) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var state = node.State;
        var data = new Dictionary<string, object> { ["state"] = state.ToString() };
        return Task.FromResult(state == ZeroTierNodeState.Failed
            ? new HealthCheckResult(
                context.Registration.FailureStatus, $"The node has failed: {node.FatalError?.Message}", node.FatalError, data)
            : HealthCheckResult.Healthy(data: data));
    }
}
