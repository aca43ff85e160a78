using Microsoft.Extensions.Logging;
using ZeroTier.Engines;

namespace ZeroTier.Libzt.Node;

/// <summary>Log messages of a libzt node's lifecycle. Ids 100 to 119; see also <see cref="LifecycleLog"/>.</summary>
internal static partial class NodeLog
{
    public const string Category = "ZeroTier.Libzt.Node";

    [LoggerMessage(100, LogLevel.Information, "Node {Node} started on libzt ({Library}), UDP port {Port}.", EventName = "NodeStarted")]
    public static partial void Started(ILogger logger, NodeId node, string library, int port);

    [LoggerMessage(109, LogLevel.Error, "An unexpected error while looking at libzt's state; the next look follows.",
        EventName = "LookFailed")]
    public static partial void LookFailed(ILogger logger, Exception error);

    [LoggerMessage(111, LogLevel.Warning,
        "UDP port {Last}, which this node had in its last run, is taken by another program; the node has {Port} now. Peers may need up to "
        + "four minutes to find it there. Set Port to have one that is always free.",
        EventName = "PortMoved")]
    public static partial void PortMoved(ILogger logger, int last, int port);

    [LoggerMessage(110, LogLevel.Error, "libzt has not ended its node after {Seconds} seconds; a start before it does will fail.",
        EventName = "StopUnfinished")]
    public static partial void StopUnfinished(ILogger logger, double seconds);

    [LoggerMessage(118, LogLevel.Warning,
        "The storage folder '{Path}' can only be read ({Reason}); the node uses the identity in it, and keeps the rest in memory.",
        EventName = "StorageReadOnly")]
    public static partial void ReadOnlyStorage(ILogger logger, string path, string reason);
}
