using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ZeroTier.Controller.AspNetCore.V1;

/// <summary>
/// All resources, for programs under a path of their own and for the scripts of the admin pages under theirs. The group guards them.
/// </summary>
internal static class ResourceRoutes
{
    public static void Map(RouteGroupBuilder api)
    {
        api.AddEndpointFilter(ResourceEndpoint.ExplainAsync);
        NetworkEndpoints.Map(api);
        MemberEndpoints.Map(api);
        RuleEndpoints.Map(api);
        TokenEndpoints.Map(api);
        HistoryEndpoints.Map(api);
    }
}
