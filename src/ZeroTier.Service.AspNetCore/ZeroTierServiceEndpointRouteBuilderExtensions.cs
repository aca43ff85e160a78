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
    /// Maps a page that shows how the host's node is: networks, addresses, endpoints, peers, traffic, events, and why something is not
    /// ready. It changes nothing, and is live. Without a policy a person signs in with the token, from this machine or from
    /// <see cref="ZeroTierServiceOptions.TokenNetworks"/>; with one (<c>RequireAuthorization</c>) the app signs its users in, from
    /// anywhere. Nothing is loaded from elsewhere.
    /// </summary>
    /// <param name="endpoints">Where to.</param>
    /// <param name="prefix">The folder of the page.</param>
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
