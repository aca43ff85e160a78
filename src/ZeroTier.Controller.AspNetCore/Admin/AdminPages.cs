using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using ZeroTier.Controller.AspNetCore.V1;
using ZeroTier.Service.AspNetCore.Pages;

namespace ZeroTier.Controller.AspNetCore.Admin;

/// <summary>
/// The administration pages of a controller. They contain no data: their scripts call the REST API, which is mapped below the pages for
/// this purpose.
/// </summary>
internal static class AdminPages
{
    private const string Folder = "Admin/";

    public static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, string prefix)
    {
        PageSet pages = PageSet.Read("ZeroTier controller", typeof(AdminPages).Assembly, Folder);
        return PageRoutes.Map(endpoints, prefix, pages, static api =>
        {
            ResourceRoutes.Map(api);

            // Endpoint names must be unique within an app, and are already used by MapZeroTierControllerV1.
            ((IEndpointConventionBuilder)api).Finally(RemoveNames);
        });
    }

    private static void RemoveNames(EndpointBuilder endpoint)
    {
        for (int i = endpoint.Metadata.Count - 1; i >= 0; i--)
        {
            if (endpoint.Metadata[i] is IEndpointNameMetadata or IRouteNameMetadata)
            {
                endpoint.Metadata.RemoveAt(i);
            }
        }
    }
}
