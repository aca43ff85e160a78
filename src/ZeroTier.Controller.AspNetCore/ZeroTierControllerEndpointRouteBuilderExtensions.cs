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
    /// Maps the controller's API as ZeroTierOne has it, for tools and scripts that know that one, and its lists under <c>/unstable</c>.
    /// Without a policy it takes the token of <see cref="ZeroTierServiceOptions.TokenPath"/>, from this machine; with one
    /// (<c>RequireAuthorization</c>) the users of the policy, from anywhere, and no token.
    /// </summary>
    /// <param name="endpoints">Where to.</param>
    /// <param name="prefix">The path of the controller. ZeroTierOne's, and what tools expect, is <c>/controller</c>.</param>
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
    /// Maps the controller's own API: networks, members, rules as text or JSON, join tokens, the audit trail, and events. Resources have
    /// their revision as ETag, for <c>If-Match</c>; errors are problem details; an OpenAPI document describes it (<c>AddOpenApi</c>). Who
    /// gets in is decided as by <see cref="MapZeroTierController"/>.
    /// </summary>
    /// <param name="endpoints">Where to.</param>
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
    /// Maps pages for people: networks, members, rules, join tokens, the audit trail. Without a policy a person signs in with the token,
    /// from this machine or from <see cref="ZeroTierServiceOptions.TokenNetworks"/>; with one (<c>RequireAuthorization</c>) the app signs
    /// its users in, from anywhere. Nothing is loaded from elsewhere, and no other mapping is needed.
    /// </summary>
    /// <param name="endpoints">Where to.</param>
    /// <param name="prefix">The folder of the pages.</param>
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
