using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Node;

namespace ZeroTier.Service.AspNetCore.Metrics;

/// <summary>The endpoint for metrics in Prometheus' format (docs/protocol/5-http-api.md 5.4.7).</summary>
internal static class MetricsRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapMethods("/metrics", ServiceEndpoint.Get, ServiceEndpoint.Create(WriteAsync, Entry.MetricsToken));
        api.Map("/metrics", ServiceEndpoint.NotFound);
    }

    private static async Task WriteAsync(HttpContext context, ZeroTierNode node)
    {
        var text = new MetricsText();
        NodeMetricsText.Write(text, node);
        foreach (IMetricsSource source in context.RequestServices.GetServices<IMetricsSource>())
        {
            await source.WriteAsync(text, context.RequestAborted).ConfigureAwait(false);
        }

        context.Response.ContentType = "text/plain";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        await context.Response.WriteAsync(text.ToString(), context.RequestAborted).ConfigureAwait(false);
    }
}
