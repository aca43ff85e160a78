using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Health;

/// <summary>
/// Reports whether callers are served, according to <see cref="ServingReport"/>, with the node's state as data for operators.
/// </summary>
internal sealed class ReadinessCheck(NodeHost node, ListenerRegistry listeners, ServingReport serving) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (node.LeftOut is { } reason)
        {
            return Task.FromResult(HealthCheckResult.Healthy(reason));
        }

        var report = serving.Read();
        var status = report.Problems.Count > 0 ? context.Registration.FailureStatus
            : report.Warnings.Count > 0 ? HealthStatus.Degraded : HealthStatus.Healthy;
        string? description = report.Problems.Count + report.Warnings.Count == 0
            ? null
            : string.Join(" ", report.Problems.Concat(report.Warnings));
        return Task.FromResult(new HealthCheckResult(status, description, node.FatalError, Data()));
    }

    private Dictionary<string, object> Data()
    {
        var peers = node.Peers;
        var networks = node.Networks;
        var data = new Dictionary<string, object>
        {
            ["engine"] = node.Engine,
            ["version"] = node.EngineVersion,
            ["state"] = node.State.ToString(),
            ["online"] = node.IsOnline,
            ["networks"] = networks.ToDictionary(n => n.Id.ToString(), n => $"{n.Status} {string.Join(", ", n.Addresses)}".TrimEnd()),
            ["reasons"] = networks.Where(n => n.Detail is not null).ToDictionary(n => n.Id.ToString(), n => n.Detail!),
            ["logins"] = networks.Where(n => n.LoginUrl is not null).ToDictionary(n => n.Id.ToString(), n => n.LoginUrl!),
            ["endpoints"] = listeners.Listeners.ToDictionary(l => l.Name, l => l.State.ToString()),
            ["peersDirect"] = peers.Count(p => p.IsDirect),
            ["peersRelayed"] = peers.Count(p => p.IsRelayed),
            ["events"] = node.Watch.Recent.Select(e => $"{e.Time:O} {e.Code}{(e.Network is { } network ? $" {network}" : "")}").ToArray(),
        };
        if (node.State == ZeroTierNodeState.Running)
        {
            data["node"] = node.Id.ToString();
        }

        return data;
    }
}
