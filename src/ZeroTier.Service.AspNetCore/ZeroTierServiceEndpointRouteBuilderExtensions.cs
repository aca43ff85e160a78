using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier.Service.AspNetCore;
using ZeroTier.Service.AspNetCore.Hosting;
using ZeroTier.Service.AspNetCore.Metrics;
using ZeroTier.Service.AspNetCore.Node;
using ZeroTier.Service.AspNetCore.Status;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the HTTP API of a ZeroTier node.</summary>
public static class ZeroTierServiceEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps an API of the host's node that is compatible with ZeroTierOne's service, for existing tools: <c>/status</c>, <c>/health</c>,
    /// <c>/network</c>, <c>/peer</c>, <c>/moon</c>, <c>/metrics</c>. Without an authorization policy, requests need the token of
    /// <see cref="ZeroTierServiceOptions.TokenPath"/> and must come from this machine or
    /// <see cref="ZeroTierServiceOptions.TokenNetworks"/>; with a policy (<c>RequireAuthorization</c>), the policy decides and the token is
    /// not accepted.
    /// </summary>
    /// <param name="endpoints">The route builder.</param>
    /// <param name="prefix">The path of the API. Tools expect ZeroTierOne's, which is <c>/</c>.</param>
    /// <returns>All endpoints of the API, for conventions such as <c>RequireAuthorization</c>.</returns>
    /// <exception cref="InvalidOperationException"><c>AddZeroTierService</c> was not called.</exception>
    public static IEndpointConventionBuilder MapZeroTierService(this IEndpointRouteBuilder endpoints, string prefix = "/")
    {
        Check(endpoints, prefix);
        RouteGroupBuilder api = endpoints.MapGroup(prefix);
        StatusRoutes.Map(api);
        NetworkRoutes.Map(api);
        PeerRoutes.Map(api);
        MoonRoutes.Map(api);
        MetricsRoutes.Map(api);
        return api.ExcludeFromDescription();
    }

    /// <summary>
    /// Maps a live, read-only status page of the host's node: networks, addresses, endpoints, peers, traffic, events, and why something is
    /// not ready. Without an authorization policy, users sign in with the token, from this machine or from
    /// <see cref="ZeroTierServiceOptions.TokenNetworks"/>; with a policy (<c>RequireAuthorization</c>), the app authenticates users, from
    /// anywhere. The page loads nothing from other sites.
    /// </summary>
    /// <param name="endpoints">The route builder.</param>
    /// <param name="prefix">The path of the page.</param>
    /// <returns>All endpoints of the page, for conventions such as <c>RequireAuthorization</c>.</returns>
    /// <exception cref="InvalidOperationException"><c>AddZeroTierService</c> was not called.</exception>
    public static IEndpointConventionBuilder MapZeroTierStatus(this IEndpointRouteBuilder endpoints, string prefix = "/zerotier")
    {
        Check(endpoints, prefix);
        return StatusPage.Map(endpoints, prefix);
    }

    private static void Check(IEndpointRouteBuilder endpoints, string prefix)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentException.ThrowIfNullOrWhiteSpace(prefix);
        if (endpoints.ServiceProvider.GetService<ServiceMarker>() is null)
        {
            throw new InvalidOperationException("There is no API of a node to map. Call builder.Services.AddZeroTierService() first.");
        }
    }
}
