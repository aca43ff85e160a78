using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Service.AspNetCore.Compatible;

/// <summary>The common part of all endpoints of the compatible APIs: access control and error responses.</summary>
internal static class CompatibleEndpoint
{
    /// <summary>Creates an endpoint.</summary>
    /// <param name="work">Handles a permitted request.</param>
    /// <param name="explain">The status code for expected exceptions; null for others.</param>
    /// <param name="entry">The requirement when there is no policy.</param>
    public static RequestDelegate Create(Func<HttpContext, Task> work, Func<Exception, int?> explain, Entry entry = Entry.Token) =>
        async context =>
        {
            if (context.RequestServices.GetRequiredService<ApiGuard>().Refuse(context, entry) is { } refusal)
            {
                await CompatibleAnswer.WriteEmptyAsync(context, refusal).ConfigureAwait(false);
                return;
            }

            try
            {
                await work(context).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
            {
                // The client has disconnected.
            }
            catch (Exception exception) when (!context.Response.HasStarted)
            {
                await AnswerAsync(context, exception, explain(exception)).ConfigureAwait(false);
            }
        };

    private static Task AnswerAsync(HttpContext context, Exception exception, int? status)
    {
        switch (exception)
        {
            case not null when status == StatusCodes.Status404NotFound:
                return CompatibleAnswer.WriteNotFoundAsync(context);
            case not null when status is { } known:
                return CompatibleAnswer.WriteErrorAsync(context, known, exception.Message);
            case BadHttpRequestException bad:
                return CompatibleAnswer.WriteErrorAsync(context, bad.StatusCode, bad.Message);
            case JsonException or ArgumentException:
                return CompatibleAnswer.WriteErrorAsync(context, StatusCodes.Status400BadRequest, exception.Message);
            case ObjectDisposedException:
                return CompatibleAnswer.WriteErrorAsync(context, StatusCodes.Status503ServiceUnavailable, "The host has ended.");
            default:
                ServiceApiLog.RequestFailed(
                    context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(ServiceApiLog.Category),
                    context.Request.Method, context.Request.Path, exception!);
                return CompatibleAnswer.WriteErrorAsync(
                    context, StatusCodes.Status500InternalServerError, "The request failed. The log of the process says why.");
        }
    }
}
