using ZeroTier.Service.AspNetCore.Metrics;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>The controller's part of the node's metrics (docs/protocol/5-http-api.md 5.4.7).</summary>
internal sealed class ControllerMetrics(NetworkControllerHost controllers) : IMetricsSource
{
    public async ValueTask WriteAsync(MetricsText text, CancellationToken cancellationToken)
    {
        NetworkController controller = await controllers.GetAsync(cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ControllerNetwork> networks = [.. controller.Networks];
        text.Add("controller_network_count", "gauge", "number of networks the controller is serving", networks.Count);
        text.Add("controller_member_count", "gauge", "number of network members the controller is serving",
            networks.Sum(network => controller.CountOrNone(network.Id).Total));
    }
}
