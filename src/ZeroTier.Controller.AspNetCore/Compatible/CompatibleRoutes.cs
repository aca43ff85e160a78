using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Compatible;

namespace ZeroTier.Controller.AspNetCore.Compatible;

/// <summary>The controller's part of ZeroTierOne's HTTP API (docs/protocol/5-http-api.md 5.5.1).</summary>
internal static class CompatibleRoutes
{
    private const string Network = "/network/{network}";
    private const string Member = "/network/{network}/member/{node}";
    private static readonly string[] Get = [HttpMethods.Get, HttpMethods.Head];
    private static readonly string[] Write = [HttpMethods.Post, HttpMethods.Put];
    private static readonly string[] Delete = [HttpMethods.Delete];

    public static void Map(IEndpointRouteBuilder controller)
    {
        controller.MapMethods("", Get, ControllerEndpoint.Create(WriteStatusAsync));
        controller.MapMethods("/network", Get, ControllerEndpoint.Create(ListNetworksAsync));
        controller.MapMethods("/network", Write, ControllerEndpoint.Create(CreateNetworkAsync));
        controller.MapMethods(Network, Get, ControllerEndpoint.Create(ReadNetworkAsync));
        controller.MapMethods(Network, Write, ControllerEndpoint.Create(WriteNetworkAsync));
        controller.MapMethods(Network, Delete, ControllerEndpoint.Create(DeleteNetworkAsync));
        controller.MapMethods("/network/{network}/member", Get, ControllerEndpoint.Create(ListMembersAsync));
        controller.MapMethods(Member, Get, ControllerEndpoint.Create(ReadMemberAsync));
        controller.MapMethods(Member, Write, ControllerEndpoint.Create(WriteMemberAsync));
        controller.MapMethods(Member, Delete, ControllerEndpoint.Create(DeleteMemberAsync));
        MapRest(controller);
    }

    /// <summary>Maps the lists with full records, which ZeroTierOne has under a separate path.</summary>
    public static void MapBulk(IEndpointRouteBuilder controller)
    {
        controller.MapMethods("/network", Get, ControllerEndpoint.Create(BulkLists.WriteNetworksAsync));
        controller.MapMethods("/network/{network}/member", Get, ControllerEndpoint.Create(
            (context, networks) => NetworkOf(context) is { } id ? BulkLists.WriteMembersAsync(context, networks,
                id) : CompatibleAnswer.WriteNotFoundAsync(context)));
        MapRest(controller);
    }

    // Unknown paths are access-controlled too, so that unauthorised callers cannot discover which paths exist.
    private static void MapRest(IEndpointRouteBuilder controller) =>
        controller.Map("/{**path}", ControllerEndpoint.Create(static (context, _) => CompatibleAnswer.WriteNotFoundAsync(context)));

    private static Task WriteStatusAsync(HttpContext context, NetworkController controller)
    {
        TimeProvider time = context.RequestServices.GetRequiredService<TimeProvider>();
        bool active = controller.IsActive;
        return CompatibleAnswer.WriteAsync(
            context,
            writer =>
            {
                writer.WriteStartObject();
                writer.WriteBoolean("controller", true);
                writer.WriteNumber("apiVersion", 4);
                writer.WriteNumber("clock", time.GetUtcNow().ToUnixTimeMilliseconds());
                writer.WriteBoolean("databaseReady", active);
                writer.WriteEndObject();
            },
            active ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static Task ListNetworksAsync(HttpContext context, NetworkController controller) =>
        CompatibleAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartArray();
            foreach (ControllerNetwork network in controller.Networks)
            {
                writer.WriteStringValue(network.Id.ToString());
            }

            writer.WriteEndArray();
        });

    private static async Task CreateNetworkAsync(HttpContext context, NetworkController controller)
    {
        if (controller.Node is null)
        {
            await CompatibleAnswer.WriteErrorAsync(
                context,
                StatusCodes.Status503ServiceUnavailable,
                "No node runs, and the ID of a network begins with the node's address.").ConfigureAwait(false);
            return;
        }

        using JsonDocument body = await RequestBody.ReadJsonAsync(context).ConfigureAwait(false);
        ControllerNetwork created = await controller.CreateNetworkAsync(
            network => NetworkChange.Apply(network, body.RootElement),
            RequestActor.Of(context),
            context.RequestAborted).ConfigureAwait(false);
        await AnswerAsync(context, created).ConfigureAwait(false);
    }

    private static Task ReadNetworkAsync(HttpContext context, NetworkController controller) =>
        NetworkOf(context) is { } id && controller.FindNetwork(id) is { } network ? AnswerAsync(context,
            network) : CompatibleAnswer.WriteNotFoundAsync(context);

    private static async Task WriteNetworkAsync(HttpContext context, NetworkController controller)
    {
        string text = Value(context, "network");
        if (IsOfNewNetwork(text))
        {
            // Case-sensitive: ZeroTierOne accepts the node ID in lower case only.
            if (controller.Node is { } node && !text.StartsWith(node.ToString(), StringComparison.Ordinal))
            {
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                return;
            }

            await CreateNetworkAsync(context, controller).ConfigureAwait(false);
            return;
        }

        if (NetworkOf(context) is not { } id)
        {
            await CompatibleAnswer.WriteNotFoundAsync(context).ConfigureAwait(false);
            return;
        }

        using JsonDocument body = await RequestBody.ReadJsonAsync(context).ConfigureAwait(false);
        Actor actor = RequestActor.Of(context);
        ControllerNetwork written = await Preconditions.ChangeAsync(
            context.Request,
            () => controller.FindNetwork(id)?.Revision ?? 0,
            revision => controller.FindNetwork(id) is null
                ? controller.CreateNetworkAsync(
                    NetworkChange.Apply(new ControllerNetwork { Id = id }, body.RootElement), actor, context.RequestAborted)
                : controller.UpdateNetworkAsync(
                    id, network => NetworkChange.Apply(network, body.RootElement), revision, actor, context.RequestAborted))
            .ConfigureAwait(false);
        await AnswerAsync(context, written).ConfigureAwait(false);
    }

    private static async Task DeleteNetworkAsync(HttpContext context, NetworkController controller)
    {
        if (NetworkOf(context) is not { } id || controller.FindNetwork(id) is not { } network)
        {
            await CompatibleAnswer.WriteNotFoundAsync(context).ConfigureAwait(false);
            return;
        }

        await Preconditions.ChangeAsync(
            context.Request,
            () => (network = controller.FindNetwork(id) ?? throw new KeyNotFoundException()).Revision,
            async revision =>
            {
                await controller.DeleteNetworkAsync(id, revision, RequestActor.Of(context), context.RequestAborted).ConfigureAwait(false);
                return network;
            }).ConfigureAwait(false);
        await AnswerAsync(context, network).ConfigureAwait(false);
    }

    private static Task ListMembersAsync(HttpContext context, NetworkController controller)
    {
        if (NetworkOf(context) is not { } id)
        {
            return CompatibleAnswer.WriteNotFoundAsync(context);
        }

        IReadOnlyList<MemberStatus> members = controller.GetMembers(id);
        return CompatibleAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            foreach (MemberStatus member in members)
            {
                writer.WriteNumber(member.Member.Node.ToString(), member.Member.Revision);
            }

            writer.WriteEndObject();
        });
    }

    private static Task ReadMemberAsync(HttpContext context, NetworkController controller) =>
        NetworkOf(context) is { } id && NodeOf(context) is { } node && controller.FindMember(id, node) is { } member
            ? AnswerAsync(context, member.Member)
            : CompatibleAnswer.WriteNotFoundAsync(context);

    private static async Task WriteMemberAsync(HttpContext context, NetworkController controller)
    {
        if (NetworkOf(context) is not { } id || NodeOf(context) is not { } node || controller.FindNetwork(id) is null)
        {
            await CompatibleAnswer.WriteNotFoundAsync(context).ConfigureAwait(false);
            return;
        }

        using JsonDocument body = await RequestBody.ReadJsonAsync(context).ConfigureAwait(false);
        ControllerMember written = await Preconditions.ChangeAsync(
            context.Request,
            () => controller.FindMember(id, node)?.Member.Revision ?? 0,
            revision => controller.UpdateMemberAsync(
                id,
                node,
                member => MemberChange.Apply(member, body.RootElement),
                revision,
                RequestActor.Of(context),
                context.RequestAborted))
            .ConfigureAwait(false);
        await AnswerAsync(context, written).ConfigureAwait(false);
    }

    private static async Task DeleteMemberAsync(HttpContext context, NetworkController controller)
    {
        if (NetworkOf(context) is not { } id || NodeOf(context) is not { } node || controller.FindMember(id, node) is not { } member)
        {
            await CompatibleAnswer.WriteNotFoundAsync(context).ConfigureAwait(false);
            return;
        }

        await Preconditions.ChangeAsync(
            context.Request,
            () => (member = controller.FindMember(id, node) ?? throw new KeyNotFoundException()).Member.Revision,
            async revision =>
            {
                await controller.DeleteMemberAsync(
                    id, node, revision, RequestActor.Of(context), context.RequestAborted).ConfigureAwait(false);
                return member;
            }).ConfigureAwait(false);
        await AnswerAsync(context, member.Member).ConfigureAwait(false);
    }

    private static Task AnswerAsync(HttpContext context, ControllerNetwork network) =>
        AnswerAsync(context, network.Revision, writer => ControllerJson.Write(writer, network));

    private static Task AnswerAsync(HttpContext context, ControllerMember member) =>
        AnswerAsync(context, member.Revision, writer => ControllerJson.Write(writer, member));

    private static Task AnswerAsync(HttpContext context, long revision, Action<Utf8JsonWriter> write)
    {
        if (Preconditions.IsKnown(context, revision))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        return CompatibleAnswer.WriteAsync(context, write);
    }

    private static bool IsOfNewNetwork(string text) =>
        text.Length == 16 && text.EndsWith("______", StringComparison.Ordinal) && NodeId.TryParse(text[..10],
            out _);

    private static NetworkId? NetworkOf(HttpContext context) =>
        Value(context, "network") is { Length: 16 } text && NetworkId.TryParse(text, out NetworkId id) ? id : null;

    private static NodeId? NodeOf(HttpContext context) =>
        Value(context, "node") is { Length: 10 } text && NodeId.TryParse(text, out NodeId id) ? id : null;

    private static string Value(HttpContext context, string name) => context.Request.RouteValues[name] as string ?? "";
}
