using System.Net;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery;

namespace ZeroTier.ServiceDiscovery;

/// <summary>The endpoints of one service.</summary>
internal sealed class MemberProvider(
    ZeroTierNode node, TimeProvider timeProvider, string host, int port) : IServiceEndpointProvider, IHostNameFeature
{
    // Names come from settings, files and DNS servers, which have no common change notification. Resolving a local name again is cheap, and
    // answers of DNS servers are cached for their TTL.
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(5);

    /// <summary>The host of requests, whatever endpoint it resolves to; the TLS certificate is validated against it.</summary>
    public string HostName => host;

    public async ValueTask PopulateAsync(IServiceEndpointBuilder endpoints, CancellationToken cancellationToken)
    {
        if (endpoints.Endpoints.Count > 0)
        {
            return;
        }

        endpoints.AddChangeToken(new CancellationChangeToken(new CancellationTokenSource(Freshness, timeProvider).Token));
        foreach (var endPoint in await FindAsync(cancellationToken).ConfigureAwait(false))
        {
            var found = ServiceEndpoint.Create(endPoint);
            found.Features.Set<IServiceEndpointProvider>(this);
            found.Features.Set<IHostNameFeature>(this);
            endpoints.Endpoints.Add(found);
        }
    }

    public ValueTask DisposeAsync() => default;

    public override string ToString() => "ZeroTier";

    private async ValueTask<IEnumerable<EndPoint>> FindAsync(CancellationToken cancellationToken)
    {
        if (ZeroTierName.TryFindMember(node, host, out var member, out var network))
        {
            // By name, so that it resolves also before the network is ready.
            return [new DnsEndPoint(ZeroTierName.Of(member, network), port)];
        }

        if (!ZeroTierName.BelongsTo(node, host))
        {
            return [];
        }

        try
        {
            var found = await ZeroTierName.ResolveAsync(node, host, port, cancellationToken).ConfigureAwait(false);
            return found.Select(endPoint => new IPEndPoint(endPoint.Address!, endPoint.Port));
        }
        catch (ZeroTierException)
        {
            // The name stays unresolved; connecting to it then fails with the reason.
            return [];
        }
    }
}
