using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Hosting.Live;

namespace Kestrel.Transport.ZeroTier.Health;

/// <summary>
/// Whether callers are served (rule 8.6): the network is usable, every configured network ready, every listener accepting. Thread-safe.
/// </summary>
internal sealed class ServingReport(
    NodeHost node,
    ListenerRegistry listeners,
    KestrelSection section,
    SettingsWatch watch,
    IOptions<ZeroTierOptions> atStart) : IEndpointReport
{
    public EndpointReport Read()
    {
        if (node.LeftOut is { } reason)
        {
            return new EndpointReport([], [reason], []);
        }

        var (bad, degraded) = Judge();
        return new EndpointReport(bad, degraded, [.. listeners.Listeners.Select(listener => (listener.Name, listener.State.ToString()))]);
    }

    private (List<string> Bad, List<string> Degraded) Judge()
    {
        var bad = new List<string>();
        var degraded = new List<string>();
        var settings = (ZeroTierOptions)watch.Current;
        if (node.State != ZeroTierNodeState.Running)
        {
            bad.Add($"The node is {node.State}{(node.FatalError is { } fatal ? $": {fatal.Message}" : ".")}");
        }
        else if (!node.IsOnline)
        {
            JudgeOffline(settings, bad, degraded);
        }

        if (node.Warning is { } warning)
        {
            degraded.Add(warning);
        }

        var networks = node.Networks;
        foreach (string text in settings.Networks)
        {
            var network = networks.FirstOrDefault(n => n.Id == NetworkId.Parse(text));
            if (network is not { IsReady: true })
            {
                string why = network?.Detail ?? (network is null ? "not joined" : $"{network.Status}, {network.Addresses.Count} addresses");
                bad.Add($"Network {text} is not ready: {why.TrimEnd('.')}.");
            }
        }

        if (listeners.Missing is { } missing)
        {
            bad.Add(missing);
        }
        else if (listeners.ServerBindsEndPoints
            && listeners.NotAskedFor(section.Served.Select(served => served.EndPoint)) is { Count: > 0 } late)
        {
            // Only degraded: true for a moment after every change of the endpoints.
            degraded.Add(
                $"Endpoints that are configured are not bound yet: {string.Join(", ", late)}. If it stays so, Kestrel's log says what is "
                + "wrong with its own section.");
        }

        bad.AddRange(listeners.Failed);
        var bound = listeners.Listeners;

        // Networks removed from the configuration since start: endpoints on them wait forever, which is not a problem to report.
        NetworkId[] left = [.. atStart.Value.Networks.Except(settings.Networks, StringComparer.OrdinalIgnoreCase).Select(NetworkId.Parse)];
        foreach (var listener in bound.Where(
            l => l.State == ListenerState.Waiting && !l.IsIdleHalf(bound) && !left.Contains(l.Target.Network)))
        {
            bad.Add($"Endpoint {listener.EndPoint} does not accept: {listener.WaitingFor}");
        }

        if (settings.Health.RequireDirect && node.Peers.FirstOrDefault(p => p.Role == ZeroTierPeerRole.Leaf && p.IsRelayed) is { } relayed)
        {
            degraded.Add($"Peer {relayed.Id} is reached only through a root.");
        }

        return (bad, degraded);
    }

    private void JudgeOffline(ZeroTierOptions settings, List<string> bad, List<string> degraded)
    {
        // Peers with a direct path are reachable without a root.
        if (node.Peers.Count(peer => peer.Role == ZeroTierPeerRole.Leaf && peer.IsDirect) is var direct and > 0)
        {
            degraded.Add(
                $"The node is not online: {Readiness.NotOnline}. Peers with a direct path ({direct}) go on; others cannot be reached and "
                + "new ones not found.");
            return;
        }

        bool inGrace = node.Watch.OfflineFor is { } since && since < settings.Health.OfflineGracePeriod;
        (inGrace ? degraded : bad).Add($"The node is not online: {Readiness.NotOnline}.");
    }
}
