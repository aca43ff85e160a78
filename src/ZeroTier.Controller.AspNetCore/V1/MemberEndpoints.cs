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
        members.MapGet("", ListAsync)
            .WithName("ListMembers").Produces<Page<MemberResource>>()
            .ProducesProblem(StatusCodes.Status404NotFound);
        members.MapGet("/{node}", ReadAsync)
            .WithName("GetMember").Produces<MemberResource>()
            .ProducesProblem(StatusCodes.Status404NotFound);
        members.MapPatch("/{node}",
            ChangeAsync)
            .WithName("ChangeMember")
            .WithDescription("Makes the member where there is none, so that nodes can be authorised before they ask.")
            .Accepts<MemberPatch>("application/json").Produces<MemberResource>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed);
        members.MapDelete("/{node}", DeleteAsync).WithName("DeleteMember").Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status412PreconditionFailed);
    }

    private static async Task<IResult> ListAsync(HttpContext context, string network, string? after = null, int limit = Paging.DefaultLimit)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        return TypedResults.Json(
            Paging.Cut(
                controller.GetMembers(ResourceEndpoint.NetworkOf(network)),
                m => m.Member.Node.ToString(),
                after,
                limit,
                Conversion.ToResource),
            ResourceJson.Default.PageMemberResource);
    }

    private static async Task<IResult> ReadAsync(HttpContext context, string network, string node)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        return Answer(context, Find(controller, ResourceEndpoint.NetworkOf(network), ResourceEndpoint.NodeOf(node)));
    }

    private static async Task<IResult> ChangeAsync(HttpContext context, string network, string node)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        (NetworkId id, NodeId address) = (ResourceEndpoint.NetworkOf(network), ResourceEndpoint.NodeOf(node));
        MemberPatch patch = await ResourceEndpoint.ReadAsync(context, ResourceJson.Default.MemberPatch).ConfigureAwait(false);
        ControllerMember changed = await Preconditions.ChangeAsync(
            context.Request,
            () => NetworkEndpoints.Find(controller, network) is not null && controller.FindMember(id, address) is { } member
                ? member.Member.Revision
                : 0,
            revision => controller.UpdateMemberAsync(
                id, address, m => Conversion.Apply(m, patch), revision, RequestActor.Of(context), context.RequestAborted))
            .ConfigureAwait(false);

        // Answer with the record that was written, even if the member has changed or been deleted since.
        return Answer(context, (controller.FindMember(id, address) ?? new MemberStatus { Member = changed }) with { Member = changed });
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, string network, string node)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        (NetworkId id, NodeId address) = (ResourceEndpoint.NetworkOf(network), ResourceEndpoint.NodeOf(node));
        return await Preconditions.ChangeAsync<IResult>(
            context.Request,
            () => Find(controller, id, address).Member.Revision,
            async revision =>
            {
                await controller.DeleteMemberAsync(
                    id, address, revision, RequestActor.Of(context), context.RequestAborted).ConfigureAwait(false);
                return TypedResults.NoContent();
            }).ConfigureAwait(false);
    }

    private static IResult Answer(HttpContext context, MemberStatus status)
    {
        return Preconditions.IsKnown(context, status.Member.Revision)
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Json(Conversion.ToResource(status), ResourceJson.Default.MemberResource);
    }

    private static MemberStatus Find(NetworkController controller, NetworkId network, NodeId node) =>
        controller.FindMember(network, node) ?? throw new KeyNotFoundException($"Network {network} has no member {node}. Check both.");
}
