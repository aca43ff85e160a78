using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>Binds <see cref="ZeroTierEndPoint"/>s and, under <c>TakeAllEndpoints</c>, host endpoints (rule 3.2).</summary>
internal sealed class ListenerFactory(
    NodeHost node,
    TransportResources resources,
    ListenerRegistry registry,
    AccessControl access,
    KestrelSection section,
    CertificateUse certificates,
    IOptions<ZeroTierOptions> options,
    IOptions<KestrelServerOptions> kestrel,
    TimeProvider timeProvider,
    ILoggerFactory loggerFactory)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>
    /// Also checks host endpoints that are not ours: an endpoint added by a configuration change is seen here first, and a <c>.zt</c> name
    /// would bind every address of the host (rule 4.8). Kestrel logs the exception and binds nothing.
    /// </summary>
    public bool CanBind(EndPoint endpoint)
    {
        if (endpoint is not IPEndPoint host)
        {
            return endpoint is ZeroTierEndPoint;
        }

        if (!options.Value.Enabled)
        {
            return false;
        }

        if (Placeholder.Is(host))
        {
            // The placeholder was not replaced, so the endpoint has no access list and must not be served.
            throw new InvalidOperationException(
                "Endpoints of ZeroTier:Listen are not known to Kestrel's endpoint defaults, which were replaced. Call "
                + "ConfigureEndpointDefaults within ConfigureKestrel.");
        }

        try
        {
            EndpointRules.CheckConfiguration(kestrel.Value, options.Value, host.Port);
        }
        catch (InvalidOperationException exception)
        {
            registry.Bound(endpoint, exception);
            throw;
        }

        return options.Value.TakeAllEndpoints;
    }

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        try
        {
            var listener = await BindCoreAsync(endpoint, cancellationToken).ConfigureAwait(false);
            registry.Bound(endpoint, null);
            return listener;
        }
        catch (Exception exception)
        {
            registry.Bound(endpoint, exception);
            throw;
        }
    }

    private async Task<Listener> BindCoreAsync(EndPoint endpoint, CancellationToken cancellationToken)
    {
        var target = ListenTarget.From(endpoint, options.Value);
        await node.EnsureStartedAsync(cancellationToken).ConfigureAwait(false);
        certificates.Check(endpoint);

        // An endpoint of ZeroTier:Listen may be on a network that was added at run time and whose join is still being retried.
        if (!node.Networks.Any(network => network.Id == target.Network) && !section.Served.Any(served => served.EndPoint.Equals(endpoint)))
        {
            throw new InvalidOperationException(
                $"The endpoint {endpoint} is on network {target.Network}, which this node has not joined. Add it to "
                + $"{ZeroTierOptions.SectionName}:Networks, for example zt.Networks.Add(\"{target.Network}\").");
        }

        var listener = new Listener(
            target, node, resources, registry, access, timeProvider, NonThrowingLogger.Create(loggerFactory, NodeLog.Category));
        try
        {
            await listener.BindAsync(cancellationToken).ConfigureAwait(false);
            return listener;
        }
        catch
        {
            await listener.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
