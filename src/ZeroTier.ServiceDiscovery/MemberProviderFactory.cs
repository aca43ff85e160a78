using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.ServiceDiscovery;

namespace ZeroTier.ServiceDiscovery;

/// <summary>Makes a provider for every service: what is no name of ours now may be one soon.</summary>
internal sealed class MemberProviderFactory(ZeroTierNode node, TimeProvider timeProvider) : IServiceEndpointProviderFactory
{
    public bool TryCreateProvider(ServiceEndpointQuery query, [NotNullWhen(true)] out IServiceEndpointProvider? provider)
    {
        // A port that the URL names stays; 0 is that of the scheme.
        string text = query.ToString()!;
        int port = Uri.TryCreate(
            text.Contains("://", StringComparison.Ordinal) ? text : $"fakescheme://{text}", UriKind.Absolute, out var uri)
            ? Math.Max(uri.Port, 0)
            : 0;
        provider = new MemberProvider(node, timeProvider, query.ServiceName, port);
        return true;
    }
}
