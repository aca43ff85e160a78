using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier.Controller.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore.Compatible;

/// <summary>What every endpoint of the compatible API does around its own work: asks the guard, gets the controller, and says what failed.</summary>
internal static class CompatibleEndpoint
{
    public static RequestDelegate Create(Func<HttpContext, NetworkController, Task> work) => async context =>
    {
        IServiceProvider services = context.RequestServices;
        if (services.GetRequiredService<ApiGuard>().Refuse(context) is { } status)
        {
            await CompatibleAnswer.WriteEmptyAsync(context, status).ConfigureAwait(false);
            return;
        }

        try
        {
            NetworkController controller = await services.GetRequiredService<NetworkControllerHost>().GetAsync(context.RequestAborted).ConfigureAwait(false);
            await work(context, controller).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody waits for an answer.
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            await AnswerAsync(context, exception).ConfigureAwait(false);
        }
    };

    private static Task AnswerAsync(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case KeyNotFoundException:
                return CompatibleAnswer.WriteNotFoundAsync(context);
            case BadHttpRequestException bad:
                return CompatibleAnswer.WriteErrorAsync(context, bad.StatusCode, bad.Message);
            case JsonException or ArgumentException:
                return CompatibleAnswer.WriteErrorAsync(context, StatusCodes.Status400BadRequest, exception.Message);
            case StoreConflictException:
                int status = Preconditions.Exist(context.Request) ? StatusCodes.Status412PreconditionFailed : StatusCodes.Status409Conflict;
                return CompatibleAnswer.WriteErrorAsync(context, status, exception.Message);
            case ObjectDisposedException:
                return CompatibleAnswer.WriteErrorAsync(context, StatusCodes.Status503ServiceUnavailable, "The controller has ended with its host.");
            default:
                ControllerApiLog.RequestFailed(
                    context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(ControllerApiLog.Category), exception);
                return CompatibleAnswer.WriteErrorAsync(
                    context, StatusCodes.Status500InternalServerError, "The controller failed, and nothing was changed. Its log says why.");
        }
    }
}
