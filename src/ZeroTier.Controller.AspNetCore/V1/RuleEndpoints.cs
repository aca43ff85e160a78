using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore.V1;

internal static class RuleEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/networks/{network}/rules", ReadAsync)
            .WithName("GetRules").Produces<RulesResource>()
            .ProducesProblem(StatusCodes.Status404NotFound);
        api.MapPut("/networks/{network}/rules",
            WriteAsync).WithName("SetRules").WithDescription("Takes the text of the rule language as source, or the rules as JSON.")
            .Accepts<RulesChange>("application/json").Produces<RulesResource>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed);
        api.MapPost("/rules/check", (Delegate)CheckAsync).WithName("CheckRules").WithDescription("Compiles rules, and changes nothing.")
            .Accepts<RulesChange>("application/json").Produces<RulesResource>().ProducesProblem(StatusCodes.Status400BadRequest);
    }

    private static async Task<IResult> ReadAsync(HttpContext context, string network)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        ControllerNetwork found = NetworkEndpoints.Find(controller, network);
        return Answer(context, found);
    }

    private static async Task<IResult> WriteAsync(HttpContext context, string network)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        NetworkId id = ResourceEndpoint.NetworkOf(network);
        RulesChange change = await ResourceEndpoint.ReadAsync(context, ResourceJson.Default.RulesChange).ConfigureAwait(false);
        (RuleProgram? program, IResult? errors) = Compile(change);
        if (program is null)
        {
            return errors!;
        }

        return Answer(
            context, await NetworkEndpoints.UpdateAsync(context, controller, id, n => With(n, change, program)).ConfigureAwait(false));
    }

    private static async Task<IResult> CheckAsync(HttpContext context)
    {
        RulesChange change = await ResourceEndpoint.ReadAsync(context, ResourceJson.Default.RulesChange).ConfigureAwait(false);
        (RuleProgram? program, IResult? errors) = Compile(change);
        return program is null ? errors! : Json(With(new ControllerNetwork { Id = default }, change, program));
    }

    private static (RuleProgram? Program, IResult? Errors) Compile(RulesChange change)
    {
        if (change.Capabilities?.Contains(null) == true || change.Tags?.Contains(null) == true)
        {
            throw new ArgumentException("'capabilities' or 'tags' holds null.");
        }

        if (change.Source is not { } source)
        {
            return change.Rules is { } rules
                ? (new RuleProgram(
                    [.. rules],
                    [.. (change.Capabilities ?? []).OfType<NetworkCapability>()],
                    [.. (change.Tags ?? []).OfType<NetworkTag>()]),
                    null)
                : throw new ArgumentException(
                    "There is neither 'source' nor 'rules'. Without rules a network drops everything: send \"rules\": [] if "
                    + "that is meant.");
        }

        if (change is not { Rules: null, Capabilities: null, Tags: null })
        {
            throw new ArgumentException("There is 'source' and JSON beside it. Send one of them.");
        }

        RuleCompilation compilation = RuleLanguage.Compile(source);
        return compilation.Succeeded ? (compilation.Program, null) : (null, Describe(compilation));
    }

    private static IResult Describe(RuleCompilation compilation)
    {
        IReadOnlyList<RuleErrorResource> errors = [.. compilation.Errors.Select(e => new RuleErrorResource(e.Line, e.Column, e.Message))];
        return TypedResults.Problem(
            compilation.Errors[0].ToString(), statusCode: StatusCodes.Status400BadRequest, title: "The rules do not compile.",
            extensions: new Dictionary<string, object?> { ["errors"] = errors });
    }

    private static ControllerNetwork With(ControllerNetwork network, RulesChange change, RuleProgram program) => network with
    {
        RulesSource = change.Source ?? "",
        Rules = program.Rules,
        Capabilities = [.. program.Capabilities.OrderBy(c => c.Id)],
        Tags = [.. program.Tags.OrderBy(t => t.Id)],
    };

    private static IResult Answer(HttpContext context, ControllerNetwork network) =>
        Preconditions.IsKnown(context, network.Revision) ? TypedResults.StatusCode(StatusCodes.Status304NotModified) : Json(network);

    private static IResult Json(ControllerNetwork network) => TypedResults.Json(
        new RulesResource(network.RulesSource, TextOf(network), network.Rules, network.Capabilities, network.Tags),
        ResourceJson.Default.RulesResource);

    private static string? TextOf(ControllerNetwork network)
    {
        if (network.RulesSource.Length > 0)
        {
            return network.RulesSource;
        }

        try
        {
            return RuleLanguage.Format(new RuleProgram(network.Rules, network.Capabilities, network.Tags));
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }
}
