using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>Binds <see cref="ZeroTierEndPoint"/>, and host endpoints when they are to move (rule 3.2).</summary>
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
    /// Also looks at host endpoints that are not ours: for an endpoint added by a configuration change this is the first notice, and a
    /// <c>.zt</c> name would bind every address of the host (rule 4.8). Kestrel logs the exception and binds nothing.
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
            // Without its access list it must not be served.
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

        // A network that was configured just now may take several attempts to join.
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
