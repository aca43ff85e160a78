using Microsoft.Extensions.Logging;

namespace ZeroTier.Engines;

/// <summary>
/// Log messages about a node's lifecycle that all engines share: event ids 101 to 108. Ids 100 and 109 to 119 are for the single engines.
/// </summary>
internal static partial class LifecycleLog
{
    [LoggerMessage(101, LogLevel.Information, "Node {Node} stopped.", EventName = "NodeStopped")]
    public static partial void Stopped(ILogger logger, NodeId node);

    [LoggerMessage(102, LogLevel.Information, "Node {Node} is online.", EventName = "NodeOnline")]
    public static partial void Online(ILogger logger, NodeId node);

    [LoggerMessage(103, LogLevel.Warning, "Node {Node} is offline: no root answers.", EventName = "NodeOffline")]
    public static partial void Offline(ILogger logger, NodeId node);

    [LoggerMessage(104, LogLevel.Information, "Joined network {Network} with {Addresses}.", EventName = "NetworkJoined")]
    public static partial void Joined(ILogger logger, NetworkId network, string addresses);

    [LoggerMessage(105, LogLevel.Warning, "Network {Network} is not usable: {Detail}", EventName = "NetworkUnavailable")]
    public static partial void Unavailable(ILogger logger, NetworkId network, string? detail);

    [LoggerMessage(106, LogLevel.Information, "Left network {Network}.", EventName = "NetworkLeft")]
    public static partial void Left(ILogger logger, NetworkId network);

    [LoggerMessage(107, LogLevel.Critical, "Node {Node} cannot go on: {Reason}", EventName = "NodeFailed")]
    public static partial void Failed(ILogger logger, NodeId node, string reason);

    [LoggerMessage(108, LogLevel.Warning, "{What} could not be written to the storage folder; the node goes on without.",
        EventName = "NotStored")]
    public static partial void NotStored(ILogger logger, string what, Exception error);
}
