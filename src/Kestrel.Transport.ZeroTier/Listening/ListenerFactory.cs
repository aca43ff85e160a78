using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>Binds <see cref="ZeroTierEndPoint"/>, and host endpoints when they are to move (rule 3.2).</summary>
internal sealed class ListenerFactory(
    NodeHost node, TransportResources resources, ListenerRegistry registry, IOptions<ZeroTierOptions> options, TimeProvider timeProvider, ILoggerFactory loggerFactory)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is ZeroTierEndPoint || (endpoint is IPEndPoint && options.Value.TakeAllEndpoints);

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
        if (!node.Networks.Any(network => network.Id == target.Network))
        {
            throw new InvalidOperationException(
                $"The endpoint {endpoint} is on network {target.Network}, which this node has not joined. Add it to {ZeroTierOptions.SectionName}:Networks, for example zt.Networks.Add(\"{target.Network}\").");
        }

        var listener = new Listener(target, node, resources, registry, timeProvider, ShieldedLogger.Create(loggerFactory, TransportLog.HostCategory));
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
