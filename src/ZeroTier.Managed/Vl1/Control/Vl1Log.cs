using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Vl1.Control;

/// <summary>The log messages of this layer: ids 1000 to 1099.</summary>
internal static partial class Vl1Log
{
    [LoggerMessage(1000, LogLevel.Debug, "Node {Node} is online: a root answered.")]
    public static partial void Online(ILogger logger, NodeId node);

    // ManagedNode logs both events at higher levels for users; these two help to debug VL1.
    [LoggerMessage(1001, LogLevel.Debug, "Node {Node} is offline: no root was heard for {Milliseconds} ms.")]
    public static partial void Offline(ILogger logger, NodeId node, long milliseconds);

    [LoggerMessage(1002, LogLevel.Debug, "Peer {Peer} is known now.")]
    public static partial void PeerAdded(ILogger logger, NodeId peer);

    [LoggerMessage(1003, LogLevel.Debug, "Peer {Peer} was forgotten.")]
    public static partial void PeerRemoved(ILogger logger, NodeId peer);

    [LoggerMessage(1004, LogLevel.Debug, "Peer {Peer}: learnt path {EndPoint} on socket {Socket}.")]
    public static partial void PathLearnt(ILogger logger, NodeId peer, InetEndPoint endPoint, int socket);

    [LoggerMessage(1005, LogLevel.Debug, "Peer {Peer}: dropped path {EndPoint}.")]
    public static partial void PathDropped(ILogger logger, NodeId peer, InetEndPoint endPoint);

    [LoggerMessage(1006, LogLevel.Debug, "Peer {Peer} is reached through a root now.")]
    public static partial void Relayed(ILogger logger, NodeId peer);

    [LoggerMessage(1007, LogLevel.Critical,
        "Root {Root} says that another identity holds our address {Node}: this identity cannot be used any more.")]
    public static partial void Collision(ILogger logger, NodeId root, NodeId node);

    [LoggerMessage(1008, LogLevel.Information, "Root {Root} handed out planet {Planet} of {Timestamp}.")]
    public static partial void PlanetUpdated(ILogger logger, NodeId root, ulong planet, ulong timestamp);

    [LoggerMessage(1009, LogLevel.Warning, "A different identity claims the address of peer {Peer} from {EndPoint}; it was told so.")]
    public static partial void ForeignCollision(ILogger logger, NodeId peer, InetEndPoint endPoint);

    [LoggerMessage(1010, LogLevel.Error, "A datagram of {Length} bytes could not be handled; it was dropped.")]
    public static partial void Failed(ILogger logger, int length, Exception exception);

    [LoggerMessage(1011, LogLevel.Error, "A background task failed; it runs again at the next tick.")]
    public static partial void BackgroundTaskFailed(ILogger logger, Exception exception);

    [LoggerMessage(1012, LogLevel.Debug,
        "Node {Node}: its physical addresses have changed, {Count} can be used for paths; roots and peers are told.")]
    public static partial void LocalEndPointsChanged(ILogger logger, NodeId node, int count);

    [LoggerMessage(1013, LogLevel.Error, "An unknown identity could not be checked; it is not let in.")]
    public static partial void AdmissionFailed(ILogger logger, Exception exception);

    [LoggerMessage(1020, LogLevel.Debug,
        "Peer {Peer}: larger datagrams vanish on the way by {EndPoint}; {Size} bytes are used until more pass.")]
    public static partial void PathNarrowed(ILogger logger, NodeId peer, InetEndPoint endPoint, int size);

    [LoggerMessage(1021, LogLevel.Information, "Node {Node} handed out moon {Moon:x16} of {Timestamp}.")]
    public static partial void MoonUpdated(ILogger logger, NodeId node, ulong moon, ulong timestamp);
}
