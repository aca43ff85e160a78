using System.Diagnostics.Metrics;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Counters of the endpoints, in the node's meter. The number and duration of open connections are in Kestrel's own meter (rule 9.2).
/// </summary>
internal sealed class EndpointMetrics(ListenerRegistry listeners, AccessControl access, IMeterFactory meterFactory)
{
    /// <summary>Creates the instruments.</summary>
    public void Observe()
    {
        var meter = meterFactory.Create(NodeMetrics.MeterName);
        meter.CreateObservableCounter(
            "zerotier.connections.refused",
            () => access.Refused,
            "{connection}",
            "Connections that an access list refused: they were reset before anything was read.");
        meter.CreateObservableCounter(
            "zerotier.connections.failed",
            () => listeners.FailedConnections,
            "{connection}",
            "Accepted connections that could not be set up and were reset.");
        meter.CreateObservableCounter(
            "zerotier.endpoint.connections", Connections, "{connection}", "Connections that were handed to the server, by endpoint.");
        meter.CreateObservableCounter(
            "zerotier.endpoint.io", Bytes, "By", "Bytes that the server has read from connections and written to them, by endpoint.");
    }

    private IEnumerable<Measurement<long>> Connections() =>
        EndPoints().Select(endPoint => new Measurement<long>(endPoint.Sum(traffic => traffic.Accepted), Tags(endPoint.Key)));

    private IEnumerable<Measurement<long>> Bytes()
    {
        foreach (var endPoint in EndPoints())
        {
            var bytes = endPoint.Select(traffic => traffic.Bytes).ToArray();
            yield return new(bytes.Sum(b => b.Received), [.. Tags(endPoint.Key), NodeMetrics.Receive]);
            yield return new(bytes.Sum(b => b.Sent), [.. Tags(endPoint.Key), NodeMetrics.Transmit]);
        }
    }

    /// <summary>One time series per network and port, even where two listeners (one per address family) share them.</summary>
    private IEnumerable<IGrouping<(string Network, int Port), EndpointTraffic>> EndPoints() =>
        listeners.Listeners.GroupBy(listener => (listener.Target.Network.ToString(), listener.Port), listener => listener.Traffic);

    private static KeyValuePair<string, object?>[] Tags((string Network, int Port) endPoint) =>
        [new("server.port", endPoint.Port), new(NodeMetrics.Network, endPoint.Network)];
}
