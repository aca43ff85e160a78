using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore.V1;

/// <summary>The endpoints of join tokens. A token's ID is a part of its hash, because URLs are logged and lists are displayed.</summary>
internal static class TokenEndpoints
{
    private const int IdLength = 8;

    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder tokens = api.MapGroup("/networks/{network}/tokens");
        tokens.MapGet("", ListAsync)
            .WithName("ListTokens").Produces<IReadOnlyList<TokenResource>>()
            .ProducesProblem(StatusCodes.Status404NotFound);
        tokens.MapPost("",
            CreateAsync)
            .WithName("CreateToken")
            .Accepts<TokenRequest>("application/json")
            .Produces<NewTokenResource>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status404NotFound);
        tokens.MapDelete("/{token}",
            DeleteAsync).WithName("DeleteToken").Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<IResult> ListAsync(HttpContext context, string network)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        return TypedResults.Json(
            [.. NetworkEndpoints.Find(controller, network).JoinTokens.Select(t => new TokenResource(IdOf(t.Key),
                t.Value))], ResourceJson.Default.IReadOnlyListTokenResource);
    }

    private static async Task<IResult> CreateAsync(HttpContext context, string network)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        NetworkId id = ResourceEndpoint.NetworkOf(network);
        TokenRequest request = await ResourceEndpoint.ReadAsync(context, ResourceJson.Default.TokenRequest).ConfigureAwait(false);
        string token = await controller.CreateJoinTokenAsync(
            id, request.Expires, RequestActor.Of(context), context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Json(
            new NewTokenResource(IdOf(token), token, request.Expires),
            ResourceJson.Default.NewTokenResource,
            statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, string network, string token)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        ControllerNetwork found = NetworkEndpoints.Find(controller, network);
        string secret = found.JoinTokens.Keys.FirstOrDefault(t => IdOf(t) == token)
            ?? throw new KeyNotFoundException($"Network {network} has no token {token}.");
        await controller.RevokeJoinTokenAsync(found.Id, secret, RequestActor.Of(context), context.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private static string IdOf(string token) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)).AsSpan(0, IdLength));
}
