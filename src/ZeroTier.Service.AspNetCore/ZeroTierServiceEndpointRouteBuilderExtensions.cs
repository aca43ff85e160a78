using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier.Service.AspNetCore;
using ZeroTier.Service.AspNetCore.Hosting;
using ZeroTier.Service.AspNetCore.Metrics;
using ZeroTier.Service.AspNetCore.Node;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the HTTP API of a ZeroTier node.</summary>
public static class ZeroTierServiceEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps the API of the host's node as ZeroTierOne's service has it, for tools that know that one: <c>/status</c>, <c>/health</c>,
    /// <c>/network</c>,
    /// <c>/peer</c>, <c>/moon</c>, <c>/metrics</c>. Without a policy it takes the token of <see
    /// cref="ZeroTierServiceOptions.TokenPath"/>, from this machine; with one (<c>RequireAuthorization</c>) the users of the policy,
    /// from anywhere, and no token.
    /// </summary>
    /// <param name="endpoints">Where to.</param>
    /// <param name="prefix">The path of the API. ZeroTierOne's, and what tools expect, is <c>/</c>.</param>
    /// <returns>All endpoints of the API, for conventions such as <c>RequireAuthorization</c>.</returns>
    /// <exception cref="InvalidOperationException"><c>AddZeroTierService</c> was not called.</exception>
    public static IEndpointConventionBuilder MapZeroTierService(this IEndpointRouteBuilder endpoints, string prefix = "/")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentException.ThrowIfNullOrWhiteSpace(prefix);
        if (endpoints.ServiceProvider.GetService<ServiceMarker>() is null)
        {
            throw new InvalidOperationException("There is no API of a node to map. Call builder.Services.AddZeroTierService() first.");
        }

        RouteGroupBuilder api = endpoints.MapGroup(prefix);
        StatusRoutes.Map(api);
        NetworkRoutes.Map(api);
        PeerRoutes.Map(api);
        MoonRoutes.Map(api);
        MetricsRoutes.Map(api);
        return api.ExcludeFromDescription();
    }
}
