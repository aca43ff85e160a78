using Kestrel.Transport.ZeroTier;

namespace SelfHosted;

/// <summary>The API for members of the network only.</summary>
internal static class PrivateApi
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    public static void Map(WebApplication app)
    {
        // The port on loopback serves the API of the node and the controller only.
        var api = app.MapGroup("")
            .AddEndpointFilter(async (call, next) => call.HttpContext.GetZeroTierPeer() is null ? Results.NotFound() : await next(call));
        api.MapGet("/", (IZeroTierPeerFeature peer) => $"Hello, {peer.Node}. This API is on your own network {peer.Network}.\n");
        api.MapGet("/clock", (Delegate)WriteClockAsync);
    }

    // Writes until the client disconnects or is deauthorised.
    private static async Task<IResult> WriteClockAsync(HttpContext context)
    {
        while (!context.RequestAborted.IsCancellationRequested)
        {
            await context.Response.WriteAsync($"{TimeProvider.System.GetUtcNow():O}\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Interval, context.RequestAborted);
        }

        return Results.Empty;
    }
}
