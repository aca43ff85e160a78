using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ZeroTier.Hosting.Node;
using ZeroTier.Service.AspNetCore.Pages;

namespace ZeroTier.Service.AspNetCore.Status;

/// <summary>The read-only status page of the host's node. Its data is a stream of server-sent events.</summary>
internal sealed class StatusPage
{
    /// <summary>The maximum number of concurrent streams; each reads the node once a second.</summary>
    public const int MaxStreams = 16;

    private const string Folder = "Status/";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private int _streams;

    public static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, string prefix)
    {
        var page = new StatusPage();
        PageSet pages = PageSet.Read("ZeroTier node", typeof(StatusPage).Assembly, Folder);
        return PageRoutes.Map(endpoints, prefix, pages, api => api.MapGet("events", (HttpContext context) => page.Follow(context)));
    }

    private IResult Follow(HttpContext context)
    {
        if (Interlocked.Increment(ref _streams) > MaxStreams)
        {
            Interlocked.Decrement(ref _streams);
            return TypedResults.Problem(
                $"{MaxStreams} pages follow this node already. Close one of them.", statusCode: StatusCodes.Status503ServiceUnavailable);
        }

        // Released when the request has ended, for any reason.
        context.Response.OnCompleted(() =>
        {
            Interlocked.Decrement(ref _streams);
            return Task.CompletedTask;
        });
        IServiceProvider services = context.RequestServices;
        CancellationToken stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        return TypedResults.ServerSentEvents(ReadAsync(
            services.GetRequiredService<NodeHost>(),
            services.GetService<IEndpointReport>(),
            services.GetRequiredService<TimeProvider>(),
            stopping,
            context.RequestAborted));
    }

    private static async IAsyncEnumerable<SseItem<string>> ReadAsync(
        NodeHost node,
        IEndpointReport? endPoints,
        TimeProvider time,
        CancellationToken stopping,
        [EnumeratorCancellation] CancellationToken aborted)
    {
        using var over = new CancellationTokenSource(PageRoutes.StreamAge, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stopping, aborted, over.Token);
        while (!end.IsCancellationRequested)
        {
            yield return new SseItem<string>(StatusJson.Write(node, endPoints, time.GetUtcNow()), "status");
            await Task.Delay(Interval, time, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
