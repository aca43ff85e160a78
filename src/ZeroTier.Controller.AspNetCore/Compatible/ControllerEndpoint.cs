using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier.Service.AspNetCore.Compatible;

namespace ZeroTier.Controller.AspNetCore.Compatible;

/// <summary>Creates endpoints that use the controller, waiting until it is open.</summary>
internal static class ControllerEndpoint
{
    public static RequestDelegate Create(Func<HttpContext, NetworkController, Task> work) => CompatibleEndpoint.Create(
        async context =>
        {
            NetworkControllerHost controllers = context.RequestServices.GetRequiredService<NetworkControllerHost>();
            try
            {
                await work(context, await controllers.GetAsync(context.RequestAborted).ConfigureAwait(false)).ConfigureAwait(false);
            }
            catch (StoreConflictException exception) when (Preconditions.Exist(context.Request))
            {
                throw new BadHttpRequestException(exception.Message, StatusCodes.Status412PreconditionFailed);
            }
        },
        exception => exception switch
        {
            KeyNotFoundException => StatusCodes.Status404NotFound,
            StoreConflictException => StatusCodes.Status409Conflict,
            _ => null,
        });
}
