using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier.Controller.AspNetCore;
using ZeroTier.Controller.AspNetCore.Admin;
using ZeroTier.Controller.AspNetCore.Compatible;
using ZeroTier.Controller.AspNetCore.V1;
using ZeroTier.Service.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the HTTP API of a controller of ZeroTier networks.</summary>
public static class ZeroTierControllerEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps a controller API compatible with ZeroTierOne's, for existing tools and scripts, including its lists under <c>/unstable</c>.
    /// Without an authorization policy, requests need the token of <see cref="ZeroTierServiceOptions.TokenPath"/> and must come from this
    /// machine or <see cref="ZeroTierServiceOptions.TokenNetworks"/>; with a policy (<c>RequireAuthorization</c>), the policy decides and
    /// the token is not accepted.
    /// </summary>
    /// <param name="endpoints">The route builder.</param>
    /// <param name="prefix">The path of the API. Tools expect ZeroTierOne's, which is <c>/controller</c>.</param>
    /// <returns>All endpoints of the API, for conventions such as <c>RequireAuthorization</c>.</returns>
    /// <exception cref="InvalidOperationException"><c>AddZeroTierController</c> was not called.</exception>
    public static IEndpointConventionBuilder MapZeroTierController(this IEndpointRouteBuilder endpoints, string prefix = "/controller")
    {
        Check(endpoints, prefix);
        RouteGroupBuilder all = endpoints.MapGroup("");
        CompatibleRoutes.Map(all.MapGroup(prefix));
        CompatibleRoutes.MapBulk(all.MapGroup("/unstable" + prefix));
        return all.ExcludeFromDescription();
    }

    /// <summary>
    /// Maps the controller's own REST API: networks, members, rules as text or JSON, join tokens, the audit trail, and events. The ETag of
    /// a resource is its revision, for <c>If-Match</c>; errors are problem details; it is described by the OpenAPI document
    /// (<c>AddOpenApi</c>). Access is controlled as in <see cref="MapZeroTierController"/>.
    /// </summary>
    /// <param name="endpoints">The route builder.</param>
    /// <param name="prefix">The path.</param>
    /// <returns>All endpoints of the API, for conventions such as <c>RequireAuthorization</c>.</returns>
    /// <exception cref="InvalidOperationException"><c>AddZeroTierController</c> was not called.</exception>
    public static IEndpointConventionBuilder MapZeroTierControllerV1(this IEndpointRouteBuilder endpoints, string prefix = "/v1")
    {
        Check(endpoints, prefix);
        RouteGroupBuilder api = endpoints.MapGroup(prefix).WithTags("ZeroTier controller").AddEndpointFilter(ResourceEndpoint.GuardAsync)
            .ProducesProblem(StatusCodes.Status401Unauthorized);
        ResourceRoutes.Map(api);
        return api;
    }

    /// <summary>
    /// Maps an administration website: networks, members, rules, join tokens, the audit trail. Without an authorization policy, users sign
    /// in with the token, from this machine or from <see cref="ZeroTierServiceOptions.TokenNetworks"/>; with a policy
    /// (<c>RequireAuthorization</c>), the app authenticates users, from anywhere. The pages load nothing from other sites and need no other
    /// mapping.
    /// </summary>
    /// <param name="endpoints">The route builder.</param>
    /// <param name="prefix">The path of the pages.</param>
    /// <returns>All endpoints of the pages, for conventions such as <c>RequireAuthorization</c>.</returns>
    /// <exception cref="InvalidOperationException"><c>AddZeroTierController</c> was not called.</exception>
    public static IEndpointConventionBuilder MapZeroTierAdmin(this IEndpointRouteBuilder endpoints, string prefix = "/admin")
    {
        Check(endpoints, prefix);
        return AdminPages.Map(endpoints, prefix);
    }

    private static void Check(IEndpointRouteBuilder endpoints, string prefix)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentException.ThrowIfNullOrWhiteSpace(prefix);
        if (endpoints.ServiceProvider.GetService<NetworkControllerHost>() is null)
        {
            throw new InvalidOperationException("There is no controller to map. Call builder.Services.AddZeroTierController() first.");
        }
    }
}
