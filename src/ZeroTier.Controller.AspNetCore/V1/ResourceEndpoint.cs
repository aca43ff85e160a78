using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore.V1;

/// <summary>The common part of all endpoints of the REST API: access control, errors as problem details, reading bodies.</summary>
internal static class ResourceEndpoint
{
    /// <summary>Endpoint filter for access control by token or policy; not used by the admin pages, which have sessions.</summary>
    public static ValueTask<object?> GuardAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        HttpContext context = invocation.HttpContext;
        if (context.RequestServices.GetRequiredService<ApiGuard>().Refuse(context) is not { } status)
        {
            return next(invocation);
        }

        if (status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        return ValueTask.FromResult<object?>(TypedResults.Problem(statusCode: status));
    }

    /// <summary>Endpoint filter that sets common headers and converts exceptions to problem details.</summary>
    public static async ValueTask<object?> ExplainAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        HttpContext context = invocation.HttpContext;
        context.Response.Headers[HeaderNames.XContentTypeOptions] = "nosniff";
        context.Response.Headers[HeaderNames.CacheControl] = "no-store";
        if (context.Response.StatusCode == StatusCodes.Status400BadRequest)
        {
            // The framework could not bind a parameter and would not call the handler.
            return TypedResults.Problem(
                "A parameter of the query has another type than is expected.", statusCode: StatusCodes.Status400BadRequest);
        }

        try
        {
            return await next(invocation).ConfigureAwait(false);
        }
        catch (Exception exception) when (Explain(context, exception) is { } problem)
        {
            return problem;
        }
    }

    public static ValueTask<NetworkController> ControllerOf(HttpContext context) =>
        context.RequestServices.GetRequiredService<NetworkControllerHost>().GetAsync(context.RequestAborted);

    public static NetworkId NetworkOf(string text) =>
        text.Length == 16 && NetworkId.TryParse(text, out NetworkId id)
            ? id
            : throw new KeyNotFoundException($"'{text}' is no network's ID: 16 hexadecimal digits.");

    public static NodeId NodeOf(string text) =>
        text.Length == 10 && NodeId.TryParse(text, out NodeId id)
            ? id
            : throw new KeyNotFoundException($"'{text}' is no node's address: 10 hexadecimal digits.");

    /// <summary>Deserialises a request body.</summary>
    public static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
    {
        using JsonDocument document = await RequestBody.ReadJsonAsync(context).ConfigureAwait(false);
        return document.Deserialize(type) ?? throw new JsonException("The body is null, where an object is expected.");
    }

    private static IResult? Explain(HttpContext context, Exception exception) => exception switch
    {
        OperationCanceledException when context.RequestAborted.IsCancellationRequested => null,
        KeyNotFoundException => Problem(StatusCodes.Status404NotFound, exception.Message),
        BadHttpRequestException bad => Problem(bad.StatusCode, bad.Message),

        // Use the JSON path only: the message contains type names of this library, which mean nothing to the caller.
        JsonException { Path: { Length: > 1 } path } =>
            Problem(StatusCodes.Status400BadRequest, $"'{path}' is unknown, or not of the type that is expected there."),
        JsonException or ArgumentException => Problem(StatusCodes.Status400BadRequest, exception.Message),
        StoreConflictException => Problem(
            Preconditions.Exist(context.Request) ? StatusCodes.Status412PreconditionFailed : StatusCodes.Status409Conflict,
            exception.Message),
        ObjectDisposedException => Problem(StatusCodes.Status503ServiceUnavailable, "The controller has ended with its host."),
        _ => Unexpected(context, exception),
    };

    private static IResult Unexpected(HttpContext context, Exception exception)
    {
        ControllerApiLog.RequestFailed(
            context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(ControllerApiLog.Category), exception);
        return Problem(StatusCodes.Status500InternalServerError, "The controller failed, and nothing was changed. Its log says why.");
    }

    public static IResult Problem(int status, string detail) => TypedResults.Problem(detail, statusCode: status);
}
