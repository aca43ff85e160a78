using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ZeroTier.Controller.AspNetCore.V1;

/// <summary>
/// Maps all resources: for programs under their own prefix, and again for the scripts of the admin pages. The caller's route group adds
/// access control.
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
