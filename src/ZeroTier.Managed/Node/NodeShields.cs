using ZeroTier.Engines;
using ZeroTier.Managed.Datagrams;
using ZeroTier.Managed.Vl2.Controller;

namespace ZeroTier.Managed.Node;

/// <summary>
/// Wraps objects supplied by the application so that their exceptions are caught, since they are called on threads that serve every
/// connection. Loggers, observers and schedulers of connections are wrapped where they are used.
/// </summary>
internal static class NodeShields
{
    public static ManagedNodeOptions Around(ManagedNodeOptions options)
    {
        var log = NonThrowingLogger.Create(options.LoggerFactory, "ZeroTier.Managed.Node");
        return options with
        {
            TimeProvider = new ShieldedTime(options.TimeProvider, log),
            Scheduler = ShieldedScheduler.Around(options.Scheduler, log),
            DatagramTransportFactory = options.DatagramTransportFactory is { } open ? () => new ShieldedTransport(open(), log) : null,
            Controller = options.Controller is { } controller ? new ShieldedController(controller, log) : null,
        };
    }
}
