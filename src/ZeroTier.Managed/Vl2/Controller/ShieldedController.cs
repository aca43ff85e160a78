using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// Wraps a controller supplied by the application and catches its exceptions, so that they neither reach receive threads nor prevent the
/// node from starting and stopping.
/// </summary>
internal sealed partial class ShieldedController(INetworkController inner, ILogger log) : INetworkController
{
    // Logged once: a controller that fails does so for every request.
    private bool _failed;

    public void Start(IControllerPort port) => Shield(static (controller, port) => controller.Start(port), port);

    public void OnRequest(ControllerRequest request) => Shield(static (controller, request) => controller.OnRequest(request), request);

    public void Stop() => Shield(static (controller, _) => controller.Stop(), this);

    [LoggerMessage(119, LogLevel.Error,
        "The controller {Type} threw, as logged once; its network members may get no answer. Mend the controller.",
        EventName = "ControllerThrew")]
    private static partial void Threw(ILogger logger, string type, Exception cause);

    private void Shield<T>(Action<INetworkController, T> call, T argument)
    {
        try
        {
            call(inner, argument);
        }
        catch (Exception e)
        {
            if (!Interlocked.Exchange(ref _failed, true))
            {
                Threw(log, inner.GetType().Name, e);
            }
        }
    }
}
