using ZeroTier.Engines;
using ZeroTier.Managed.Datagrams;

namespace ZeroTier.Managed.Node;

/// <summary>
/// What an application gives to a node is called on threads that serve every connection: an exception there stays where it was thrown. Loggers, observers and the
/// schedulers of connections are shielded where they are taken.
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
        };
    }
}
