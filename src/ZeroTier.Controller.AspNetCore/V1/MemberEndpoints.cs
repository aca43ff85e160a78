using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore.V1;

internal static class MemberEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder members = api.MapGroup("/networks/{network}/members");
        members.MapGet("", ListAsync).WithName("ListMembers").Produces<Page<MemberResource>>().ProducesProblem(StatusCodes.Status404NotFound);
        members.MapGet("/{node}", ReadAsync).WithName("GetMember").Produces<MemberResource>().ProducesProblem(StatusCodes.Status404NotFound);
        members.MapPatch("/{node}",
            ChangeAsync).WithName("ChangeMember").WithDescription("Makes the member where there is none, so that nodes can be authorised before they ask.")
            .Accepts<MemberPatch>("application/json").Produces<MemberResource>()
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status412PreconditionFailed);
        members.MapDelete("/{node}", DeleteAsync).WithName("DeleteMember").Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status412PreconditionFailed);
    }

    private static async Task<IResult> ListAsync(HttpContext context, string network, string? after = null, int limit = Paging.DefaultLimit)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        return TypedResults.Json(
            Paging.Cut(controller.GetMembers(ResourceEndpoint.NetworkOf(network)), m => m.Member.Node.ToString(), after, limit, Conversion.ToResource),
            ResourceJson.Default.PageMemberResource);
    }

    private static async Task<IResult> ReadAsync(HttpContext context, string network, string node)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        return Answer(context, controller, ResourceEndpoint.NetworkOf(network), ResourceEndpoint.NodeOf(node));
    }

    private static async Task<IResult> ChangeAsync(HttpContext context, string network, string node)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        (NetworkId id, NodeId address) = (ResourceEndpoint.NetworkOf(network), ResourceEndpoint.NodeOf(node));
        MemberPatch patch = await ResourceEndpoint.ReadAsync(context, ResourceJson.Default.MemberPatch).ConfigureAwait(false);
        await controller.UpdateMemberAsync(
            id, address, m => Conversion.Apply(m, patch), ResourceEndpoint.ExpectedRevision(context.Request), RequestActor.Of(context), context.RequestAborted)
            .ConfigureAwait(false);
        return Answer(context, controller, id, address);
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, string network, string node)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        await controller.DeleteMemberAsync(
            ResourceEndpoint.NetworkOf(network), ResourceEndpoint.NodeOf(node), ResourceEndpoint.ExpectedRevision(context.Request), RequestActor.Of(context),
            context.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private static IResult Answer(HttpContext context, NetworkController controller, NetworkId network, NodeId node)
    {
        MemberStatus status = controller.FindMember(network, node) ?? throw new KeyNotFoundException($"Network {network} has no member {node}. Check both.");
        ResourceEndpoint.TagWith(context, status.Member.Revision);
        return TypedResults.Json(Conversion.ToResource(status), ResourceJson.Default.MemberResource);
    }
}
