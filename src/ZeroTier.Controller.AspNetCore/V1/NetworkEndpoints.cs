using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore.V1;

internal static class NetworkEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/networks", ListAsync).WithName("ListNetworks").Produces<Page<NetworkResource>>();
        api
            .MapPost("/networks", (Delegate)CreateAsync)
            .WithName("CreateNetwork")
            .Accepts<NetworkPatch>("application/json")
            .Produces<NetworkResource>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest);
        api.MapGet("/networks/{network}", ReadAsync)
            .WithName("GetNetwork").Produces<NetworkResource>()
            .ProducesProblem(StatusCodes.Status404NotFound);
        api
            .MapPatch("/networks/{network}", ChangeAsync)
            .WithName("ChangeNetwork")
            .Accepts<NetworkPatch>("application/json")
            .Produces<NetworkResource>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed);
        api.MapDelete("/networks/{network}", DeleteAsync).WithName("DeleteNetwork").Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status412PreconditionFailed);
    }

    private static async Task<IResult> ListAsync(HttpContext context, string? after = null, int limit = Paging.DefaultLimit)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        return TypedResults.Json(
            Paging.Cut(
                controller.Networks, n => n.Id.ToString(), after, limit, n => Conversion.ToResource(n, controller.CountOrNone(n.Id))),
            ResourceJson.Default.PageNetworkResource);
    }

    private static async Task<IResult> CreateAsync(HttpContext context)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        if (controller.Node is null)
        {
            return ResourceEndpoint.Problem(
                StatusCodes.Status503ServiceUnavailable, "No node runs, and the ID of a network begins with the node's address.");
        }

        NetworkPatch patch = await ResourceEndpoint.ReadAsync(context, ResourceJson.Default.NetworkPatch).ConfigureAwait(false);
        ControllerNetwork network = await controller.CreateNetworkAsync(
            n => Conversion.Apply(n, patch), RequestActor.Of(context), context.RequestAborted)
            .ConfigureAwait(false);
        context.Response.Headers.Location =
            $"{(context.Request.PathBase + context.Request.Path).ToUriComponent().TrimEnd('/')}/{network.Id}";
        return Answer(context, controller, network, StatusCodes.Status201Created);
    }

    private static async Task<IResult> ReadAsync(HttpContext context, string network)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        return Answer(context, controller, Find(controller, network));
    }

    private static async Task<IResult> ChangeAsync(HttpContext context, string network)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        NetworkId id = ResourceEndpoint.NetworkOf(network);
        NetworkPatch patch = await ResourceEndpoint.ReadAsync(context, ResourceJson.Default.NetworkPatch).ConfigureAwait(false);
        ControllerNetwork changed = await UpdateAsync(context, controller, id, n => Conversion.Apply(n, patch)).ConfigureAwait(false);
        return Answer(context, controller, changed);
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, string network)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        NetworkId id = ResourceEndpoint.NetworkOf(network);
        return await Preconditions.ChangeAsync<IResult>(
            context.Request,
            () => Find(controller, network).Revision,
            async revision =>
            {
                await controller.DeleteNetworkAsync(id, revision, RequestActor.Of(context), context.RequestAborted).ConfigureAwait(false);
                return TypedResults.NoContent();
            }).ConfigureAwait(false);
    }

    /// <summary>Changes a network if the request's preconditions hold.</summary>
    public static Task<ControllerNetwork> UpdateAsync(
        HttpContext context, NetworkController controller, NetworkId id, Func<ControllerNetwork, ControllerNetwork> change) =>
        Preconditions.ChangeAsync(
            context.Request,
            () => Find(controller, id.ToString()).Revision,
            revision => controller.UpdateNetworkAsync(id, change, revision, RequestActor.Of(context), context.RequestAborted));

    public static ControllerNetwork Find(NetworkController controller, string network) =>
        controller.FindNetwork(ResourceEndpoint.NetworkOf(network)) ??
            throw new KeyNotFoundException($"This controller has no network {network}. Check the ID.");

    private static IResult Answer(
        HttpContext context, NetworkController controller, ControllerNetwork network, int status = StatusCodes.Status200OK)
    {
        return Preconditions.IsKnown(context, network.Revision)
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Json(
                Conversion.ToResource(network, controller.CountOrNone(network.Id)),
                ResourceJson.Default.NetworkResource,
                statusCode: status);
    }
}
