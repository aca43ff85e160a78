using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier.Hosting.Node;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Compatible;

namespace ZeroTier.Service.AspNetCore.Node;

/// <summary>Creates endpoints that use the host's node.</summary>
internal static class ServiceEndpoint
{
    public static readonly string[] Get = [HttpMethods.Get, HttpMethods.Head];
    public static readonly string[] Write = [HttpMethods.Post, HttpMethods.Put];
    public static readonly string[] Delete = [HttpMethods.Delete];

    /// <summary>Creates an endpoint that gets the running node; answers 503 when it is not running.</summary>
    public static RequestDelegate Create(Func<HttpContext, ZeroTierNode, Task> work, Entry entry = Entry.Token) =>
        CompatibleEndpoint.Create(
            context => work(context, RunningNode(context)),
            exception => exception is ZeroTierException failure
                ? failure.Error switch
                {
                    ZeroTierError.NotRunning or ZeroTierError.Fatal => StatusCodes.Status503ServiceUnavailable,
                    _ => StatusCodes.Status400BadRequest,
                }
                : null,
            entry);

    /// <summary>Answers 404, after access control, so that unauthorised callers cannot discover which paths exist.</summary>
    public static RequestDelegate NotFound { get; } = CompatibleEndpoint.Create(CompatibleAnswer.WriteNotFoundAsync, static _ => null);

    public static NetworkId? NetworkOf(HttpContext context) =>
        Value(context, "network") is { Length: 16 } text && NetworkId.TryParse(text, out NetworkId id) ? id : null;

    public static NodeId? NodeOf(HttpContext context) =>
        Value(context, "node") is { Length: 10 } text && NodeId.TryParse(text, out NodeId id) ? id : null;

    public static string Value(HttpContext context, string name) => context.Request.RouteValues[name] as string ?? "";

    // The engine's own node and not the host's wrapper, because some endpoints need members of ManagedNode.
    private static ZeroTierNode RunningNode(HttpContext context)
    {
        NodeHost host = context.RequestServices.GetRequiredService<NodeHost>();
        return host.Inner is { State: ZeroTierNodeState.Running } running ? running : throw new ZeroTierException(
            ZeroTierError.NotRunning,
            host.LeftOut ?? host.FatalError?.Message ?? "The ZeroTier node does not run. It starts and ends with its host.");
    }
}
