using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.ServiceDiscovery;

namespace ZeroTier.ServiceDiscovery;

/// <summary>Creates a provider for every service, since a name that belongs to no ZeroTier network now may do so later.</summary>
internal sealed class MemberProviderFactory(ZeroTierNode node, TimeProvider timeProvider) : IServiceEndpointProviderFactory
{
    public bool TryCreateProvider(ServiceEndpointQuery query, [NotNullWhen(true)] out IServiceEndpointProvider? provider)
    {
        // A port in the URL is kept; 0 means the default port of the scheme.
        string text = query.ToString()!;
        int port = Uri.TryCreate(
            text.Contains("://", StringComparison.Ordinal) ? text : $"fakescheme://{text}", UriKind.Absolute, out var uri)
            ? Math.Max(uri.Port, 0)
            : 0;
        provider = new MemberProvider(node, timeProvider, query.ServiceName, port);
        return true;
    }
}
