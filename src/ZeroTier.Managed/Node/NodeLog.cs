using Microsoft.Extensions.Logging;
using ZeroTier.Engines;

namespace ZeroTier.Managed.Node;

/// <summary>Log messages of a node's lifecycle. Ids 100 to 119; see also <see cref="LifecycleLog"/>.</summary>
internal static partial class NodeLog
{
    [LoggerMessage(100, LogLevel.Information, "Node {Node} started on {EndPoints}.", EventName = "NodeStarted")]
    public static partial void Started(ILogger logger, NodeId node, string endPoints);

    [LoggerMessage(110, LogLevel.Warning,
        "UDP port {Last}, which this node had in its last run, is taken by another program; the node has {Port} now. Peers may need up to "
        + "25 seconds to find it there. Set Port to have one that is always free.",
        EventName = "PortMoved")]
    public static partial void PortMoved(ILogger logger, int last, int port);

    [LoggerMessage(111, LogLevel.Warning, "Node {Node}: {Warning}", EventName = "Twin")]
    public static partial void Twin(ILogger logger, NodeId node, string warning);

    [LoggerMessage(109, LogLevel.Information, "Node {Node} is a root of its planet.", EventName = "NodeIsRoot")]
    public static partial void IsRoot(ILogger logger, NodeId node);

    [LoggerMessage(115, LogLevel.Warning,
        "The buffers of all connections hold {Used} bytes of {Limit}: new connections are refused until some are read, sent or closed. "
        + "MaxTotalBufferSize sets the limit.",
        EventName = "BuffersUsedUp")]
    public static partial void BuffersUsedUp(ILogger logger, long used, long limit);

    [LoggerMessage(116, LogLevel.Warning,
        "{Count} connections that held {Freed} bytes without moving were reset, because the buffers of all connections had reached {Limit} "
        + "bytes. MaxTotalBufferSize sets the limit.",
        EventName = "ConnectionsShed")]
    public static partial void ConnectionsShed(ILogger logger, int count, long freed, long limit);

    [LoggerMessage(117, LogLevel.Warning,
        "Address conflict on network {Network}: node {Other} uses {Address}, which is an address of this node ({Node}). Packets for it may "
        + "go to either. {Remedy}",
        EventName = "AddressConflict")]
    public static partial void AddressConflict(ILogger logger, NetworkId network, NodeId other, string address, NodeId node, string remedy);

    [LoggerMessage(114, LogLevel.Warning,
        "Packets to and from {Networks} are neither encrypted nor authenticated (TrustedPaths): whoever can send there can speak as any "
        + "node, and whoever can listen reads everything. Take the option away unless that network is protected by other means.",
        EventName = "TrustsPaths")]
    public static partial void TrustsPaths(ILogger logger, string networks);

    [LoggerMessage(118, LogLevel.Warning,
        "The storage folder '{Path}' can only be read ({Reason}); the node uses the identity in it, and keeps the rest in memory.",
        EventName = "StorageReadOnly")]
    public static partial void ReadOnlyStorage(ILogger logger, string path, string reason);
}
