using Microsoft.Extensions.Logging;

namespace ZeroTier.Controller;

/// <summary>Log messages of a controller. Event ids 300 to 319.</summary>
internal static partial class ControllerLog
{
    [LoggerMessage(300, LogLevel.Information, "Controller {Node} serves {Networks} networks with {Members} members.",
        EventName = "ControllerStarted")]
    public static partial void Started(ILogger logger, NodeId node, int networks, int members);

    [LoggerMessage(301, LogLevel.Warning,
        "The store holds {Count} networks of other controllers than {Node}, for example {Network}, which members never ask " +
            "this node for. Start the node with the identity that made them.", EventName = "ForeignNetworks")]
    public static partial void ForeignNetworks(ILogger logger, int count, NodeId node, NetworkId network);

    [LoggerMessage(302, LogLevel.Warning,
        "Node {Node} asks for network {Network} with another identity than the one recorded for its address, and is refused. If the node " +
            "was given a new identity on purpose, delete the member.", EventName = "IdentityMismatch")]
    public static partial void IdentityMismatch(ILogger logger, NodeId node, NetworkId network);

    [LoggerMessage(303, LogLevel.Error, "The store failed; members that wait get no answer and ask again. Check the disk or the database.",
        EventName = "StoreFailed")]
    public static partial void StoreFailed(ILogger logger, Exception cause);

    [LoggerMessage(304, LogLevel.Error, "Member {Node} of network {Network} could not be told its configuration.",
        EventName = "ConfigurationFailed")]
    public static partial void ConfigurationFailed(ILogger logger, NodeId node, NetworkId network, Exception cause);

    [LoggerMessage(305, LogLevel.Information, "This process is the controller now.", EventName = "LeaseAcquired")]
    public static partial void LeaseAcquired(ILogger logger);

    [LoggerMessage(306, LogLevel.Warning, "This process is not the controller any more, and signs nothing.", EventName = "LeaseLost")]
    public static partial void LeaseLost(ILogger logger);

    [LoggerMessage(307, LogLevel.Warning,
        "No free {Family} address for member {Node} of network {Network}. Enlarge its pool, or add one with a route.",
        EventName = "PoolExhausted")]
    public static partial void PoolExhausted(ILogger logger, string family, NodeId node, NetworkId network);

    [LoggerMessage(308, LogLevel.Error, "The changes of other processes are not seen any more; trying again.", EventName = "WatchFailed")]
    public static partial void WatchFailed(ILogger logger, Exception cause);
}
