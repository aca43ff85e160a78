using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Access;

/// <summary>All log messages about refused connections; event ids from 210.</summary>
internal static partial class AccessLog
{
    [LoggerMessage(210, LogLevel.Information,
        "Refused node {Node}, which called port {Port} on network {Network}: AllowedNodes does not name it. Further calls of it are "
        + "counted only.", EventName = "NodeRefused")]
    public static partial void NodeRefused(ILogger logger, NodeId node, NetworkId network, int port);

    [LoggerMessage(211, LogLevel.Information,
        "Refused node {Node}, which called port {Port} over network {Network}: AllowedNetworks does not name that. Further calls of it are "
        + "counted only.",
        EventName = "NetworkRefused")]
    public static partial void NetworkRefused(ILogger logger, string node, NetworkId network, int port);

    [LoggerMessage(212, LogLevel.Warning,
        "Calls are refused, the first of port {Port}: AllowedNodes names nodes, but this engine (libzt) does not prove which node a "
        + "connection comes from. Use the managed engine, ZeroTier:Engine=Managed, or leave AllowedNodes out.",
        EventName = "NodesUnproven")]
    public static partial void NodesUnproven(ILogger logger, int port);

    [LoggerMessage(213, LogLevel.Information,
        "{Count} refused nodes were named; the next ones are counted only (zerotier.connections.refused).", EventName = "NoMoreNamed")]
    public static partial void NoMoreNamed(ILogger logger, int count);

    [LoggerMessage(214, LogLevel.Warning,
        "Calls over an ordinary socket are refused, the first of port {Port}: nothing proves a node there. Give the endpoint a ZeroTier "
        + "network (ListenZeroTier), or leave RequireZeroTierNode and RequireZeroTierNetwork out.", EventName = "SocketRefused")]
    public static partial void SocketRefused(ILogger logger, int port);
}
